"""Whether people agreed to be written to: the last word by channel, and the ledger of every answer as it was given. The one door to both."""

import json
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import trail
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Invalid

CHANNELS: dict[str, str | Promise] = {"email": gettext_lazy("E-mail"), "kakaotalk": gettext_lazy("KakaoTalk"), "sms": gettext_lazy("Text message")}
CONSENT, TRANSACTION = "consent", "transaction"
BASES = (CONSENT, TRANSACTION)
AFTER_TRANSACTION = 6  # months; 정보통신망법 제50조①1, 시행령 제61조①: so long after a transaction ended its like may be advertised
MANY = 5000  # answers of one statement

LEDGER = """
INSERT INTO consent_event (contact_id, id, channel, type_id, granted, night, basis, at, expires_at, address, source, wording, proof, actor)
SELECT r.contact_id, r.id, r.channel, r.type_id, r.granted, r.night, r.basis, r.at, r.expires_at,
    coalesce(CASE WHEN r.channel = 'email' THEN c.email ELSE coalesce(c.properties ->> 'mobilephone', c.properties ->> 'phone') END, ''),
    r.source, r.wording, r.proof, r.actor
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::boolean[], %s::boolean[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::text[], %s::text[], %s::jsonb[], %s::text[])
    AS r(contact_id, id, channel, type_id, granted, night, basis, at, expires_at, source, wording, proof, actor)
LEFT JOIN contact c ON c.id = r.contact_id
"""
LAST = """
INSERT INTO consent (contact_id, channel, granted, night, basis, at, expires_at, source, wording, proof, actor)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::boolean[], %s::boolean[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::text[], %s::text[], %s::jsonb[], %s::text[])
ON CONFLICT (contact_id, channel) DO UPDATE SET granted = excluded.granted, night = excluded.night, basis = excluded.basis, at = excluded.at,
    expires_at = excluded.expires_at, source = excluded.source, wording = excluded.wording, proof = excluded.proof, actor = excluded.actor,
    confirmed_at = NULL, ended_at = NULL
"""
OVER = "SELECT contact_id, channel FROM consent WHERE granted AND ended_at IS NULL AND expires_at <= %(now)s ORDER BY expires_at LIMIT %(most)s"
ENDED = """
UPDATE consent k SET ended_at = %s FROM unnest(%s::bigint[], %s::text[]) AS r(contact_id, channel)
WHERE k.contact_id = r.contact_id AND k.channel = r.channel AND k.granted AND k.ended_at IS NULL AND k.expires_at <= %s
RETURNING k.contact_id, k.channel
"""


def channel_name(channel: str) -> str:
    """What people call it; one of a plug-in is called by its key."""
    return str(CHANNELS.get(channel, channel))


@dataclass(frozen=True, slots=True)
class Answer:
    """A yes or no of a person to a channel, or (`type_id`) to one kind of news on it, with what proves it."""

    contact_id: int
    channel: str
    granted: bool
    at: datetime
    source: str
    actor: str
    type_id: int | None = None
    basis: str = CONSENT
    expires_at: datetime | None = None
    night: bool = False
    wording: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)


def set(
    contact_ids: Sequence[int],
    channel: str,
    granted: bool,
    *,
    actor: Actor,
    source: str,
    wording: str = "",
    proof: Mapping[str, Any] | None = None,
    basis: str = CONSENT,
    expires_at: datetime | None = None,
    night: bool | None = None,
    at: datetime | None = None,
) -> None:
    """Record an agreement or a refusal of many people at once. `wording` is the text they saw, `proof` what else shows that they did.

    Agreeing again refreshes time and proof; the tick hears of `property:consent.<channel>` only where the answer changed. `basis` transaction stands for
    an agreement of somebody who bought the like, and ends half a year after that (`expires_at`; None: after `at`). `night` is the separate yes to
    advertising at night; None leaves it as it is. Raises Invalid (`basis`).
    """
    ids = sorted({*contact_ids})
    if not ids:
        return
    if basis not in BASES:
        raise Invalid.one("basis", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(BASES)))
    moment = at or clock.now()
    if granted and basis == TRANSACTION and expires_at is None:
        expires_at = months_after(moment, AFTER_TRANSACTION)
    said = Answer(0, channel, granted, moment, source, str(actor), None, basis, expires_at if granted else None, bool(night) and granted, wording, proof or {})
    with transaction.atomic():
        nights = _nights(ids, channel) if granted and night is None else {}
        give([replace(said, contact_id=id, night=nights.get(id, said.night)) for id in ids], source=source)


def give(answers: Sequence[Answer], *, source: str) -> None:
    """Record answers about channels (not kinds of news), each person's and channel's once: the last word, the ledger, the history, the change."""
    now = clock.now()
    for start in range(0, len(answers), MANY):
        some = answers[start : start + MANY]
        with transaction.atomic():
            was = {
                (row[0], row[1]): row[2]
                for row in sql.rows(
                    "SELECT contact_id, channel, granted FROM consent WHERE contact_id = ANY(%s) AND channel = ANY(%s)",
                    [[a.contact_id for a in some], sorted({a.channel for a in some})],
                )
            }
            sql.run(
                LAST,
                [
                    [a.contact_id for a in some], [a.channel for a in some], [a.granted for a in some], [a.night for a in some], [a.basis for a in some],
                    [a.at for a in some], [a.expires_at for a in some], [a.source for a in some], [a.wording for a in some],
                    [json.dumps(dict(a.proof), ensure_ascii=False) for a in some], [a.actor for a in some],
                ],
            )  # fmt: skip
            note(some)
            new = [a for a in some if was.get((a.contact_id, a.channel)) is not a.granted]
            for actor in sorted({a.actor for a in new}):
                rows = [(a.contact_id, f"consent.{a.channel}", was.get((a.contact_id, a.channel)), a.granted) for a in new if a.actor == actor]
                trail.write("contact", rows, Actor.parse(actor), source, now)
            changes.append(Change(a.contact_id, "property", f"consent.{a.channel}") for a in new)


def note(answers: Sequence[Answer]) -> list[int]:
    """Write answers into the ledger and nowhere else; returns their numbers. What keeps answers elsewhere (kinds of news) calls this with every one."""
    if not answers:
        return []
    ids = sql.next_ids("record_id_seq", len(answers))
    sql.run(
        LEDGER,
        [
            [a.contact_id for a in answers], ids, [a.channel for a in answers], [a.type_id for a in answers], [a.granted for a in answers],
            [a.night for a in answers], [a.basis for a in answers], [a.at for a in answers], [a.expires_at for a in answers], [a.source for a in answers],
            [a.wording for a in answers], [json.dumps(dict(a.proof), ensure_ascii=False) for a in answers], [a.actor for a in answers],
        ],
    )  # fmt: skip
    return list(ids)


def put_back(rows: Sequence[tuple[int, str, Mapping[str, Any] | None]], *, actor: Actor, source: str, because: str) -> None:
    """Answers that turn out never to have been given: (contact, channel, the row of `consent` from before as JSON, or None where nobody had asked).

    The ledger keeps the mistaken answer and gets one more row, which says what holds again and (`because`, its source) why.
    """
    if not rows:
        return
    now = clock.now()
    with transaction.atomic():
        ids, channels = [row[0] for row in rows], [row[1] for row in rows]
        gone = sql.rows(
            "DELETE FROM consent k USING unnest(%s::bigint[], %s::text[]) AS r(id, channel) WHERE k.contact_id = r.id AND k.channel = r.channel"
            " RETURNING k.contact_id, k.channel, k.granted",
            [ids, channels],
        )
        had = {(id, channel): granted for id, channel, granted in gone}
        images = [{"night": False, "basis": CONSENT, "proof": {}, **was, "contact_id": id, "channel": channel} for id, channel, was in rows if was is not None]
        sql.run(
            "INSERT INTO consent (contact_id, channel, granted, at, source, wording, proof, actor, basis, expires_at, night, confirmed_at)"
            " SELECT contact_id, channel, granted, at, source, wording, proof, actor, basis, expires_at, night, confirmed_at"
            " FROM jsonb_populate_recordset(NULL::consent, %s::jsonb)",
            [json.dumps(images, ensure_ascii=False)],
        )
        note([
            Answer(id, channel, bool(was and was["granted"]), now, because, str(actor), wording=str(was["wording"]) if was else "", proof={"corrects": True})
            for id, channel, was in rows
        ])  # fmt: skip
        trail.write("contact", [(id, f"consent.{ch}", had.get((id, ch)), was["granted"] if was else None) for id, ch, was in rows], actor, source, now)
        changes.append(Change(id, "property", f"consent.{channel}") for id, channel, _was in rows)


RESTORED = """
INSERT INTO consent (contact_id, channel, granted, night, basis, at, expires_at, source, wording, proof, actor, confirmed_at)
VALUES (%(id)s, %(channel)s, true, %(night)s, %(basis)s, %(at)s, %(expires_at)s, %(source)s, %(wording)s, %(proof)s::jsonb, %(actor)s, %(confirmed_at)s)
ON CONFLICT (contact_id, channel) DO UPDATE SET granted = true, night = excluded.night, basis = excluded.basis, at = excluded.at,
    expires_at = excluded.expires_at, source = excluded.source, wording = excluded.wording, proof = excluded.proof, actor = excluded.actor,
    confirmed_at = excluded.confirmed_at, ended_at = NULL
"""


def restore(contact_id: int, channel: str, was: Mapping[str, Any], *, actor: Actor, source: str, proof: Mapping[str, Any]) -> None:
    """A refusal was taken back: what `before` said holds again, since when and until when it did. The ledger keeps the refusal, and that it was taken back."""
    now, said = clock.now(), of_image(contact_id, channel, was)
    with transaction.atomic():
        had = granted(contact_id, channel)
        sql.run(
            RESTORED,
            {
                "id": contact_id, "channel": channel, "night": said.night, "basis": said.basis, "at": said.at, "expires_at": said.expires_at,
                "source": said.source, "wording": said.wording, "proof": json.dumps(dict(said.proof), ensure_ascii=False), "actor": said.actor,
                "confirmed_at": was.get("confirmed_at"),
            },
        )  # fmt: skip
        note([replace(said, at=now, source=source, actor=str(actor), proof=proof)])
        trail.write("contact", [(contact_id, f"consent.{channel}", had, True)], actor, source, now)
        changes.append([Change(contact_id, "property", f"consent.{channel}")])


def image(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An agreement as a later refusal keeps it in its proof, so that it can be taken back: moments as texts."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in answer.items()}


def of_image(contact_id: int, channel: str, was: Mapping[str, Any], type_id: int | None = None) -> Answer:
    """The agreement that an image shows."""
    ends, proof = was.get("expires_at"), was.get("proof") or {}
    return Answer(
        contact_id, channel, True, datetime.fromisoformat(was["at"]), was.get("source", ""), was.get("actor", "system"), type_id, was.get("basis", CONSENT),
        datetime.fromisoformat(ends) if ends else None, bool(was.get("night")), was.get("wording", ""), proof,
    )  # fmt: skip


def granted(contact_id: int, channel: str) -> bool | None:
    """What a person answered; None when never asked."""
    found = sql.rows("SELECT granted FROM consent WHERE contact_id = %s AND channel = %s", [contact_id, channel])
    return found[0][0] if found else None


def before(contact_id: int, channel: str) -> dict[str, Any] | None:
    """The agreement that holds now, as a later refusal keeps it in its proof, so that it can be taken back; None when none does."""
    rows = sql.rows(
        "SELECT at, source, wording, basis, night, expires_at, proof::text, actor, confirmed_at FROM consent WHERE contact_id = %s AND channel = %s AND granted"
        " AND (expires_at IS NULL OR expires_at > %s)",
        [contact_id, channel, clock.now()],
    )
    names = ("at", "source", "wording", "basis", "night", "expires_at", "proof", "actor", "confirmed_at")
    return image(dict(zip(names, [*rows[0][:6], json.loads(rows[0][6]), *rows[0][7:]], strict=True))) if rows else None


def after_transaction(ended: date) -> datetime:
    """Until when somebody may be written to who bought the like, when that ended on this day (in the account's time zone)."""
    return months_after(datetime.combine(ended, time(), config().zone), AFTER_TRANSACTION)


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and hour so many months later; the last of a month that is shorter."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def end_expired(most: int = 1000) -> int:
    """Let the tick hear of agreements whose time is over; returns how many. Any number of workers may look; the gate knows without this."""
    with transaction.atomic():
        now = clock.now()
        over = sql.rows(OVER, {"now": now, "most": most})
        ended = sql.rows(ENDED, [now, [row[0] for row in over], [row[1] for row in over], now]) if over else []
        changes.append(Change(contact_id, "property", f"consent.{channel}") for contact_id, channel in ended)
    return len(ended)


def _nights(ids: Sequence[int], channel: str) -> dict[int, bool]:
    return dict(sql.rows("SELECT contact_id, night FROM consent WHERE contact_id = ANY(%s) AND channel = %s AND granted", [list(ids), channel]))
