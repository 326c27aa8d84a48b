"""Kinds of news that people take or refuse on their own: which there are, what somebody said of each, and the way out of one.

A kind goes to everybody who agreed to marketing on the channel and did not refuse this kind; a `separate` one only to those who agreed to it itself.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from baton.crm import consent, uses
from baton.crm.consent import Answer
from baton.crm.uses import Mention
from baton.messaging.consent import suppression
from baton.messaging.models import Email, Subscription, SubscriptionType
from baton.platform import changes, clock, history, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound, Problem

LANGUAGES = ("ko", "en")
LONGEST, MOST_MONTHS = 200, 120
FIELDS = ("names", "descriptions", "topic", "separate", "public", "months")

WRITE = """
INSERT INTO subscription (contact_id, type_id, channel, granted, basis, at, expires_at, source, wording, proof, actor)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::text[], %s::text[], %s::jsonb[], %s::text[])
ON CONFLICT (contact_id, type_id, channel) DO UPDATE SET granted = excluded.granted, basis = excluded.basis, at = excluded.at,
    expires_at = excluded.expires_at, source = excluded.source, wording = excluded.wording, proof = excluded.proof, actor = excluded.actor, ended_at = NULL
"""
OVER = """
SELECT contact_id, type_id, channel FROM subscription WHERE ended_at IS NULL AND expires_at <= %(now)s ORDER BY expires_at LIMIT %(most)s
"""
ENDED = """
UPDATE subscription n SET ended_at = %s FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS r(contact_id, type_id, channel)
WHERE n.contact_id = r.contact_id AND n.type_id = r.type_id AND n.channel = r.channel AND n.ended_at IS NULL AND n.expires_at <= %s
RETURNING n.contact_id, n.channel
"""


@dataclass(frozen=True, slots=True)
class State:
    """What a person said of one kind of news on one channel, and whether it reaches him."""

    type: SubscriptionType
    channel: str
    row: Subscription | None  # None: never said
    gets: bool

    @property
    def said(self) -> bool | None:
        return None if self.row is None else self.row.granted

    @property
    def label(self) -> str:
        return name(self.type)

    @property
    def about(self) -> str:
        return description(self.type)


# Which there are ---------------------------------------------------------------


def known(*, archived: bool = False) -> list[SubscriptionType]:
    """The kinds of news, in the order of the preference centre."""
    rows = SubscriptionType.objects.order_by("position", "id")
    return list(rows if archived else rows.filter(archived_at=None))


def usual() -> SubscriptionType | None:
    """The kind that a marketing mail belongs to which names none: the first that needs no agreement of its own."""
    return next((type for type in known() if not type.separate), None)


def of_mail(email_id: int) -> SubscriptionType | None:
    """The kind of news a mail belongs to; None: of none, then there is only the way out of everything."""
    wanted = Email.objects.filter(pk=email_id).values_list("subscription_id", flat=True).first()
    found = SubscriptionType.objects.filter(pk=wanted, archived_at=None).first() if wanted else None
    return found or usual()


def name(type: SubscriptionType, language: str = "") -> str:
    """What it is called, in this language (the current one) or in the other."""
    return _in(type.names, language) or type.key


def description(type: SubscriptionType, language: str = "") -> str:
    """What the preference centre says of it."""
    return _in(type.descriptions, language)


def define(names: Mapping[str, str], actor: Actor, **more: Any) -> SubscriptionType:
    """A new kind of news, the last in order. `more` are others of FIELDS. Raises Invalid (`names.ko`, `names`, `months` ...)."""
    type = SubscriptionType(names=dict(names), position=1 + max((t.position for t in known(archived=True)), default=0))
    with transaction.atomic():
        _fill(type, more)
        type.key = _key(type)
        type.save()
        history.record(actor, "created", "subscription_type", type.pk, names=type.names)
    return type


def update(type_id: int, actor: Actor, **fields: Any) -> SubscriptionType:
    """Change some of FIELDS. Raises Invalid, NotFound."""
    with transaction.atomic():
        type = _get(type_id)
        was = {field: getattr(type, field) for field in fields}
        _fill(type, fields)
        changed = {field: [old, getattr(type, field)] for field, old in was.items() if old != getattr(type, field)}
        if changed:
            type.save()
            history.record(actor, "updated", "subscription_type", type.pk, **changed)
    return type


def move(type_id: int, place: int, actor: Actor) -> None:
    """Put a kind at another place (0: the first, which mails belong to that name none)."""
    with transaction.atomic():
        _get(type_id)
        order = [type.pk for type in known() if type.pk != type_id]
        order.insert(max(0, min(place, len(order))), type_id)
        for position, id in enumerate(order, 1):
            SubscriptionType.objects.filter(pk=id).update(position=position)
        history.record(actor, "moved", "subscription_type", type_id, place=place)


def archive(type_id: int, actor: Actor) -> None:
    """Put a kind away: mails of it belong to the usual one, and nobody is asked about it any more; what people said of it stays in the ledger.

    Raises Conflict when a filter asks for it.
    """
    with transaction.atomic():
        type = _get(type_id)
        uses.refuse(Mention("news", str(type_id)), name(type))
        type.archived_at = clock.now()
        type.save()
        history.record(actor, "archived", "subscription_type", type.pk, names=type.names)


def counts() -> dict[int, dict[str, int]]:
    """How many said yes and no to each kind by e-mail: {type: {"yes", "no"}}."""
    rows = sql.rows("SELECT type_id, granted, count(*) FROM subscription WHERE channel = 'email' GROUP BY type_id, granted")
    found: dict[int, dict[str, int]] = {}
    for type_id, granted, count in rows:
        found.setdefault(type_id, {"yes": 0, "no": 0})["yes" if granted else "no"] = count
    return found


# What people said --------------------------------------------------------------


def state(contact_id: int, channels: Sequence[str] = ("email",), *, public: bool = False) -> list[State]:
    """What a person said of every kind of news on these channels, and whether it reaches him as far as his own will goes."""
    types, now = known(), clock.now()
    if not types:
        return []
    said = {(row.type_id, row.channel): row for row in Subscription.objects.filter(contact_id=contact_id, channel__in=list(channels))}
    open_to = {channel for channel in channels if willing(contact_id, channel)}
    found = []
    for type in types:
        if public and not type.public:
            continue
        for channel in channels:
            row = said.get((type.pk, channel))
            holds = row is not None and row.granted and (row.expires_at is None or row.expires_at > now)
            gets = channel in open_to and (holds if type.separate else row is None or row.granted)
            found.append(State(type, channel, row, gets))
    return found


def willing(contact_id: int, channel: str = "email") -> bool:
    """Whether the person agrees to marketing on a channel at all, now: an agreement that holds, and none of the reasons to stop since."""
    rows = sql.rows(
        "SELECT 1 FROM consent k WHERE k.contact_id = %(id)s AND k.channel = %(channel)s AND k.granted AND (k.expires_at IS NULL OR k.expires_at > %(now)s)"
        " AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.contact_id = k.contact_id AND s.channel = k.channel"
        " AND NOT (s.reason = 'unsubscribed' AND k.at > s.at))",
        {"id": contact_id, "channel": channel, "now": clock.now()},
    )
    return bool(rows)


def choose(
    contact_id: int,
    choices: Mapping[int, bool],
    *,
    actor: Actor,
    source: str,
    channel: str = "email",
    wording: str = "",
    proof: Mapping[str, Any] | None = None,
    basis: str = consent.CONSENT,
) -> list[int]:
    """Record what a person said of some kinds of news; returns the numbers of the ledger's rows. Agreement to the channel itself is another matter."""
    return choose_many({contact_id: choices}, actor=actor, source=source, channel=channel, wording=wording, proof=proof, basis=basis)


def choose_many(
    people: Mapping[int, Mapping[int, bool]],
    *,
    actor: Actor,
    source: str,
    channel: str = "email",
    wording: str = "",
    proof: Mapping[str, Any] | None = None,
    basis: str = consent.CONSENT,
    at: datetime | None = None,
) -> list[int]:
    """What many people said, each {type: yes or no}."""
    moment = at or clock.now()
    return record(
        [
            Answer(id, channel, granted, moment, source, str(actor), type_id, basis, wording=wording, proof=proof or {})
            for id, choices in sorted(people.items())
            for type_id, granted in sorted(choices.items())
        ]
    )


def record(answers: Sequence[Answer]) -> list[int]:
    """Record answers about kinds of news on one channel, each person's and kind's once; returns the numbers of the ledger's rows.

    A yes ends when its kind says; a no keeps in its proof the agreement that it ends, so that it can be taken back. Kinds that never were are passed over.
    """
    months = {type.pk: type.months for type in known(archived=True)} if answers else {}
    kept = [answer for answer in answers if answer.type_id in months]
    if not kept:
        return []
    with transaction.atomic():
        was = _before([answer.contact_id for answer in kept if not answer.granted], kept[0].channel)
        kept = [_complete(answer, months, was) for answer in kept]
        _write(kept)
        numbers = consent.note(kept)
        changes.append(Change(id, "property", f"consent.{kept[0].channel}") for id in sorted({answer.contact_id for answer in kept}))
    return numbers


def _complete(answer: Answer, months: Mapping[int, int | None], was: Mapping[tuple[int, int], dict[str, Any] | None]) -> Answer:
    type_id = answer.type_id or 0
    if not answer.granted:
        return replace(answer, proof={**answer.proof, "before": was.get((answer.contact_id, type_id))})
    ends = months[type_id]
    return replace(answer, expires_at=consent.months_after(answer.at, ends)) if ends else answer


def restore(contact_id: int, type_id: int, channel: str, was: Mapping[str, Any] | None, *, actor: Actor, source: str, proof: Mapping[str, Any]) -> None:
    """A refusal was taken back: what holds again is the agreement that it ended, with its basis, time and end; where there was none (None), nothing was said.

    The ledger keeps the refusal, and that it was taken back.
    """
    with transaction.atomic():
        if was is None:
            Subscription.objects.filter(contact_id=contact_id, type_id=type_id, channel=channel).delete()
            said = Answer(contact_id, channel, True, clock.now(), source, str(actor), type_id)
        else:
            said = consent.of_image(contact_id, channel, was, type_id)
            months = next((type.months for type in known(archived=True) if type.pk == type_id), None)
            if "expires_at" not in was and months:  # a refusal of the days when its end was not kept
                said = replace(said, expires_at=consent.months_after(said.at, months))
            _write([said])
        consent.note([replace(said, at=clock.now(), source=source, actor=str(actor), proof=proof)])
        changes.append([Change(contact_id, "property", f"consent.{channel}")])


def end_expired(most: int = 1000) -> int:
    """Let the tick hear of agreements whose time is over; returns how many. Any number of workers may look; the gate knows without this."""
    with transaction.atomic():
        now = clock.now()
        over = sql.rows(OVER, {"now": now, "most": most})
        ended = sql.rows(ENDED, [now, *(list(column) for column in zip(*over, strict=True)), now]) if over else []
        changes.append(Change(contact_id, "property", f"consent.{channel}") for contact_id, channel in sorted({*ended}))
    return len(ended)


def _write(answers: Sequence[Answer]) -> None:
    """The last word on each."""
    sql.run(
        WRITE,
        [
            [a.contact_id for a in answers], [a.type_id for a in answers], [a.channel for a in answers], [a.granted for a in answers],
            [a.basis for a in answers], [a.at for a in answers], [a.expires_at for a in answers], [a.source for a in answers],
            [a.wording for a in answers], [json.dumps(dict(a.proof), ensure_ascii=False) for a in answers], [a.actor for a in answers],
        ],
    )  # fmt: skip


IMAGE = ("at", "source", "wording", "basis", "expires_at", "proof", "actor")


def _before(contact_ids: Sequence[int], channel: str) -> dict[tuple[int, int], dict[str, Any] | None]:
    """What people agreed to so far, by (contact, kind of news); of a kind that was refused already what that refusal ended."""
    if not contact_ids:
        return {}
    rows = Subscription.objects.filter(contact_id__in=contact_ids, channel=channel)
    return {
        (row.contact_id, row.type_id): consent.image({name: getattr(row, name) for name in IMAGE}) if row.granted else row.proof.get("before") for row in rows
    }


@dataclass(frozen=True, slots=True)
class Left:
    """What somebody left: one kind of news, or (None) everything; and whether he had not left it before."""

    type: SubscriptionType | None
    new: bool


def leave(contact_id: int, email_id: int, *, channel: str = "email", message_id: int = 0, source: str = "unsubscribe") -> Left:
    """Out of the kind of news that this mail belongs to; where there are no kinds, out of everything. May be called again, then nothing is new."""
    type = of_mail(email_id)
    if type is None:
        return Left(None, suppression.unsubscribe(contact_id, email_id, channel=channel, source=source, message_id=message_id))
    with transaction.atomic():
        sql.rows("SELECT 1 FROM contact WHERE id = %s FOR UPDATE", [contact_id])  # two clicks at once count once
        row = Subscription.objects.filter(contact_id=contact_id, type_id=type.pk, channel=channel).first()
        if row is not None and not row.granted:
            return Left(type, False)
        proof = {"email": email_id} | ({"message": message_id} if message_id else {})
        choose(contact_id, {type.pk: False}, actor=Actor("visitor", contact_id), source=source, channel=channel, proof=proof)
        suppression.happened(contact_id, email_id, message_id=message_id, type_id=type.pk)
    return Left(type, True)


def _in(texts: Mapping[str, str], language: str) -> str:
    wanted = (language or get_language() or config().language)[:2]
    return texts.get(wanted) or next((text for text in texts.values() if text), "")


def _get(type_id: int) -> SubscriptionType:
    type = SubscriptionType.objects.select_for_update().filter(pk=type_id, archived_at=None).first()
    if type is None:
        raise NotFound(_("There is no such kind of news any more."))
    return type


def _key(type: SubscriptionType) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", (type.names.get("en") or "").lower()).strip("-")[:40] or "news"
    taken = set(SubscriptionType.objects.filter(key__startswith=base).values_list("key", flat=True))
    return base if base not in taken else next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)


def _fill(type: SubscriptionType, fields: Mapping[str, Any]) -> None:
    """Set and check. Raises Invalid."""
    problems = []
    for field, value in fields.items():
        if field not in FIELDS:
            raise TypeError(f"a kind of news has no {field}")
        setattr(type, field, value)
    type.topic = type.topic.strip()
    for field in ("names", "descriptions"):
        texts = {language: str(text).strip() for language, text in getattr(type, field).items() if language in LANGUAGES and str(text).strip()}
        setattr(type, field, texts)
        most = LONGEST if field == "names" else 5 * LONGEST
        problems += [
            Problem(f"{field}.{language}", "TOO_LONG", _("At most {n} letters.").format(n=most)) for language, text in texts.items() if len(text) > most
        ]
    if not type.names:
        problems.append(Problem(f"names.{config().language[:2]}", "REQUIRED", _("Give it a name that people understand.")))
    if type.months is not None and not (isinstance(type.months, int) and 1 <= type.months <= MOST_MONTHS):
        problems.append(Problem("months", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=1, most=MOST_MONTHS)))
    if len(type.topic) > LONGEST:
        problems.append(Problem("topic", "TOO_LONG", _("At most {n} letters.").format(n=LONGEST)))
    if problems:
        raise Invalid(problems)
