"""What is done with people from another mail tool, a part at a time: each part is one transaction that also moves the cursor, so a killed worker loses nothing.

Who agreed there agrees here only with the day on which he did: without it he comes along, and gets no advertising. A refusal that Baton knows is never
overruled; who left there leaves here, unless he agreed here later. Whom mails did not reach is not written to. People who left and are no contacts of ours do
not become any: a hash of their address is enough.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction

from baton.crm import consent, contacts, identity, records
from baton.crm.consent import Answer
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.consent.movers import files, mailchimp, stibee
from baton.messaging.consent.movers.people import Patience, Source, Subscriber
from baton.messaging.consent.suppression import Stop
from baton.messaging.models import Move
from baton.platform import clock, live, secrets, sql
from baton.platform.actor import Actor
from baton.platform.errors import DomainError, Invalid
from baton.segments import verbs as lists
from baton.segments.models import Segment

PART = 500  # lines of a file in one transaction
TRIES = 40  # looks in vain before it is given up
LONGEST = 1800.0  # seconds between two looks
PROBLEMS = 200  # that are kept
APIS: dict[str, Callable[[str], Source]] = {"mailchimp": mailchimp.Api, "stibee": stibee.Api}
# When an earlier move brought it that somebody left, of lists that do not say the day: who agreed here since then agreed later.
LEFT_BEFORE = """
SELECT contact_id, max(at) FROM consent_event
WHERE contact_id = ANY(%s) AND channel = 'email' AND NOT granted AND source LIKE 'move:%%' AND type_id IS NOT DISTINCT FROM %s::bigint GROUP BY contact_id
"""


def run(move_id: int) -> None:
    """What is left of a move, as far as the other side answers; may be called again, by several at once."""
    while step(move_id):
        live.publish(f"move:{move_id}", state="running")
    live.publish(f"move:{move_id}", state="ended")


def step(move_id: int) -> bool:
    """One part; says whether there is more to do now."""
    move = Move.objects.defer("content").filter(pk=move_id, state__in=("running", "waiting")).first()
    if move is None or (move.due_at is not None and move.due_at > clock.now()):
        return False
    cursor = dict(move.cursor)
    try:
        people, more = _from_file(move_id, cursor) if move.via == "file" else _from_api(move, cursor)
    except Patience as patience:
        _wait(move, patience)
        return False
    except Invalid as error:
        _end(move, "failed", str(error.problems[0].message))
        return False
    with transaction.atomic():
        held = Move.objects.select_for_update().defer("content").get(pk=move_id)
        if held.cursor != cursor or held.state not in ("running", "waiting"):
            return True  # another worker did this part
        counts, problems = apply(held, people, first=int(cursor.get("seen", 0)))
        held.counts = dict(Counter(held.counts) + counts)
        held.problems = [*held.problems, *problems][:PROBLEMS]
        held.cursor = {**(more or cursor), "seen": int(cursor.get("seen", 0)) + len(people)}
        held.state, held.tries, held.due_at, held.trouble = "running", 0, None, ""
        held.save(update_fields=["counts", "problems", "cursor", "state", "tries", "due_at", "trouble", "updated_at"])
        if more is None:
            _end(held, "done", "")
    return more is not None


def due() -> list[int]:
    """Moves that wait and may go on, and those whose worker died."""
    now = clock.now()
    waiting = Move.objects.filter(state="waiting", due_at__lte=now).values_list("pk", flat=True)
    stuck = Move.objects.filter(state="running", updated_at__lt=now - timedelta(minutes=5)).values_list("pk", flat=True)
    return [*waiting, *stuck]


def _from_file(move_id: int, cursor: Mapping[str, Any]) -> tuple[list[Subscriber], dict[str, Any] | None]:
    content, name, service = Move.objects.values_list("content", "name", "service").get(pk=move_id)
    sheet, row = int(cursor.get("sheet", 0)), int(cursor.get("row", 0))
    found = files.sheets(bytes(content or b""), name, service)
    if sheet >= len(found):
        return [], None
    people = list(islice(found[sheet].people(), row, row + PART))
    if len(people) == PART:
        return people, {"sheet": sheet, "row": row + PART}
    return people, {"sheet": sheet + 1, "row": 0} if sheet + 1 < len(found) else None


def _from_api(move: Move, cursor: Mapping[str, Any]) -> tuple[list[Subscriber], dict[str, Any] | None]:
    return APIS[move.service](secrets.decrypt(move.secret)).page(cursor, list(move.options.get("lists") or []))


def _wait(move: Move, patience: Patience) -> None:
    tries = move.tries + 1
    if tries >= TRIES:
        _end(move, "failed", str(patience))
        return
    seconds = min(LONGEST, max(patience.seconds, 15.0 * 2 ** min(tries, 7)))
    Move.objects.filter(pk=move.pk, state__in=("running", "waiting")).update(
        state="waiting", tries=tries, due_at=clock.now() + timedelta(seconds=seconds), trouble=str(patience)[:500]
    )


def _end(move: Move, state: str, trouble: str) -> None:
    Move.objects.filter(pk=move.pk, state__in=("running", "waiting")).update(
        state=state, trouble=trouble[:500], ended_at=clock.now(), secret="", content=None, due_at=None
    )


# What becomes of people ----------------------------------------------------------


def apply(move: Move, people: Sequence[Subscriber], *, first: int = 0) -> tuple[Counter[str], list[list[Any]]]:
    """Write one part, in the caller's transaction; returns what became of them, and [line, code] of those that could not be taken."""
    actor, source = Actor.parse(move.actor), f"move:{move.pk}"
    counts: Counter[str] = Counter(seen=len(people))
    problems: list[list[Any]] = []
    by_mail: dict[str, tuple[int, Subscriber]] = {}
    for number, one in enumerate(people, first + 1):
        email = identity.normal_email(one.email)
        if email.count("@") != 1 or len(email) > 320 or " " in email or "." not in email.partition("@")[2] or one.status == "unknown":
            problems.append([number, "UNKNOWN_STATE" if "@" in email else "INVALID_EMAIL"])
        elif email not in by_mail or files.ORDER.index(one.status) >= files.ORDER.index(by_mail[email][1].status):
            by_mail[email] = (number, one)
    forgotten = identity.blocked(by_mail)
    counts["forgotten"] = len(forgotten)
    order = [email for email in by_mail if email not in forgotten]
    matched = contacts.match_many([{**by_mail[email][1].values, "email": email} for email in order])
    ids = {email: id for email, id in zip(order, matched, strict=True) if id is not None}
    fresh = [email for email in order if email not in ids and by_mail[email][1].status in ("subscribed", "pending", "refused")]
    made = records.create_many("contact", [{**by_mail[email][1].values, "email": email} for email in fresh], actor=actor, source="import")
    for email, outcome in zip(fresh, made, strict=True):
        if isinstance(outcome, DomainError):
            problems.append([by_mail[email][0], "NOT_CREATED"])
        else:
            ids[email] = outcome
            counts["created"] += 1
    found = {ids[email]: by_mail[email][1] for email in ids}
    _agree(move, found, counts, actor, source)
    _leave(move, found, counts, actor, source)
    _clean(found, counts, source)
    gone = {email: by_mail[email][1] for email in order if email not in ids and by_mail[email][1].status in ("unsubscribed", "cleaned")}
    for status, reason in (("unsubscribed", suppression.UNSUBSCRIBED), ("cleaned", suppression.BOUNCED)):
        those = [email for email, one in gone.items() if one.status == status]
        suppression.suppress_addresses(those, "email", reason, source=source, actor=actor)
        counts[f"{status}_unknown"] += len(those)
    if move.options.get("groups"):
        _groups(move, found, counts, actor)
    return counts, problems


def _agree(move: Move, found: Mapping[int, Subscriber], counts: Counter[str], actor: Actor, source: str) -> None:
    """Those who agreed, with the day; nobody who refused here."""
    wanted = {id: one for id, one in found.items() if one.status == "subscribed"}
    said = dict(sql.rows("SELECT contact_id, granted FROM consent WHERE contact_id = ANY(%s) AND channel = 'email'", [list(wanted)]))
    stopped = {row[0] for row in sql.rows("SELECT contact_id FROM suppression WHERE contact_id = ANY(%s) AND channel = 'email'", [list(wanted)])}
    now, text, default = clock.now(), str(move.options.get("source") or ""), _day(move.options.get("agreed_on"))
    type_id = move.options.get("type")
    not_this = {id for id, (granted, _at) in _said_of(type_id, wanted).items() if not granted} if type_id else set()
    answers = []
    for id, one in wanted.items():
        at = one.agreed_at or default
        if id in stopped or said.get(id) is False or id in not_this:
            counts["refused_here"] += 1
        elif said.get(id):
            counts["agreed_already"] += 1
        elif at is None or at > now or not text:
            counts["without_proof"] += 1
        else:
            proof = {"service": move.service, **one.proof, "dated_by": "service" if one.agreed_at else "colleague"}
            answers.append(Answer(id, "email", True, at, source, str(actor), wording=text, proof=proof))
    consent.give(answers, source="import")
    counts["agreed"] += len(answers)
    if type_id:
        subscriptions.record([replace(answer, type_id=type_id) for answer in answers])
    counts["no_advertising"] += sum(one.status in ("refused", "pending") for one in found.values())


def _leave(move: Move, found: Mapping[int, Subscriber], counts: Counter[str], actor: Actor, source: str) -> None:
    """Those who left: everything, or the one kind of news that the list was."""
    left = {id: one for id, one in found.items() if one.status == "unsubscribed"}
    if not left:
        return
    now = clock.now()
    type_id = None if move.options.get("everything", True) else move.options.get("type")
    said = {row[0]: row[1:] for row in sql.rows("SELECT contact_id, granted, at FROM consent WHERE contact_id = ANY(%s) AND channel = 'email'", [list(left)])}
    known = {id: at for id, at in sql.rows(LEFT_BEFORE, [list(left), type_id])}
    day = {id: one.left_at or known.get(id) for id, one in left.items()}
    this = _said_of(type_id, left) if type_id else {}
    last = {id: this.get(id) or said.get(id) for id in left}
    going = {id: one for id, one in left.items() if not ((answer := last[id]) and answer[0] and (at := day[id]) is not None and answer[1] > at)}
    counts["agreed_later"] += len(left) - len(going)
    counts["unsubscribed"] += len(going)
    if type_id:
        proof = {"service": move.service}
        subscriptions.record([
            Answer(id, "email", False, min(day[id] or now, now), source, str(actor), type_id, wording=one.reason, proof={**proof, **one.proof})
            for id, one in going.items() if id not in this or this[id][0]
        ])  # fmt: skip
        return
    refused = [
        Answer(id, "email", False, min(day[id] or now, now), source, str(actor), wording=one.reason, proof={"service": move.service, **one.proof})
        for id, one in going.items()
        if id not in said or said[id][0]
    ]
    consent.give(refused, source="import")
    suppression.suppress_many("email", [Stop(id, suppression.UNSUBSCRIBED, source, one.reason) for id, one in going.items()])


def _said_of(type_id: int, contact_ids: Collection[int]) -> dict[int, tuple[bool, datetime]]:
    """What these people said of a kind of news, and when."""
    found = sql.rows(
        "SELECT contact_id, granted, at FROM subscription WHERE contact_id = ANY(%s) AND channel = 'email' AND type_id = %s", [[*contact_ids], type_id]
    )
    return {id: (granted, at) for id, granted, at in found}


def _clean(found: Mapping[int, Subscriber], counts: Counter[str], source: str) -> None:
    stops = [Stop(id, suppression.BOUNCED, source, one.reason) for id, one in found.items() if one.status == "cleaned"]
    counts["cleaned"] += len(suppression.suppress_many("email", stops))


def _groups(move: Move, found: Mapping[int, Subscriber], counts: Counter[str], actor: Actor) -> None:
    """Groups and tags become fixed lists of the same name, each once."""
    members: dict[str, list[int]] = {}
    for id, one in found.items():
        for name in one.groups:
            members.setdefault(name[:120], []).append(id)
    if not members:
        return
    label = {"mailchimp": mailchimp.LABEL, "stibee": stibee.LABEL}[move.service]
    titles = {name: f"{label}: {name}" for name in members}
    there = dict(Segment.objects.filter(name__in=titles.values(), kind="fixed", archived_at=None).values_list("name", "pk"))
    for name, ids in sorted(members.items()):
        title = titles[name]
        if title not in there:
            there[title] = lists.create_segment(title, {"any": []}, "fixed", actor).pk
            counts["lists"] += 1
        lists.add(there[title], sorted({*ids}), actor)


def _day(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
