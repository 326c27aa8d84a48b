"""Who is in a list, since when and why, a page at a time; and who a hand put in or kept out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.platform import sql
from baton.platform.models import History
from baton.query.nodes import MemberOf
from baton.segments import filter, finder
from baton.segments.finder import Find
from baton.segments.models import ScoreModel, Segment

from . import people
from .people import Person
from .timeline import who

PAGE = 50
ORDERED = 20_000  # members up to which the newest come first; larger lists come in the order of the records

MEMBERS = """
SELECT m.contact_id, m.joined_at, m.reason, p.why FROM membership m JOIN contact c ON c.id = m.contact_id
LEFT JOIN membership_pin p ON p.contact_id = m.contact_id AND p.segment_id = m.segment_id
WHERE m.segment_id = %(segment)s AND c.archived_at IS NULL AND {visible} AND {more}
ORDER BY {order} LIMIT {limit}
"""
PINS = """
SELECT p.contact_id, p.side, p.actor, p.why, p.at FROM membership_pin p JOIN contact c ON c.id = p.contact_id
WHERE p.segment_id = %(segment)s AND p.side = 'out' AND c.archived_at IS NULL AND {visible} ORDER BY p.contact_id DESC LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Member:
    """One line: who, since when, and why."""

    person: Person
    score: int | None
    at: datetime
    why: str
    note: str  # what the hand that put him in said
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Members:
    """A page of members; `after` continues, "" at the end."""

    rows: list[Member]
    after: str
    newest_first: bool


class Reasons:
    """Which part of a list's filter held when somebody joined, in words: the filter of that time, should it have changed since."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._names: dict[int, str] | None = None
        self._sentences: dict[str, str] = {}
        changes = History.objects.filter(subject_type="segment", subject_id=str(segment.pk), verb="updated", detail__has_key="filter").order_by("at")
        self._before = [(row.at, row.detail["filter"][0]) for row in changes[:200]]

    def words(self, reason: str, at: datetime) -> str:
        """Why somebody with this reason has been a member since then."""
        if not reason.startswith("filter"):
            return _("by hand: {who}").format(who=self.name(reason) or _("system"))
        stored = next((old for changed, old in self._before if changed > at), self.segment.filter)
        parts = stored.get("any", []) if isinstance(stored, dict) else []
        held = [parts[int(n)] for n in reason.split(":")[1:] if n.isdigit() and int(n) < len(parts)]
        return _(" and ").join(self._sentence(part) for part in held) if held else self._sentence(stored)

    def name(self, actor: str) -> str:
        """Who an actor is, in words."""
        if self._names is None:
            self._names = dict(User.objects.values_list("pk", "name"))
        return who(actor, self._names)

    def _sentence(self, stored: Mapping[str, Any]) -> str:
        key = repr(stored)
        if key not in self._sentences:
            self._sentences[key] = filter.sentence(dict(stored))
        return self._sentences[key]


def page(segment: Segment, rights: Rights, *, size: int, text: str = "", after: str = "") -> Members:
    """The members that somebody may see, found by words when there are any. `size`: about how many there are."""
    visible = finder.visible(rights, "contact", "c")
    params: dict[str, Any] = {**visible.params, "segment": segment.pk}
    newest_first, more = size <= ORDERED, "true"
    if text.strip():
        ids = finder.ids(Find("contact", MemberOf(segment.pk), text=text, rights=rights), limit=PAGE)
        more, params["ids"] = "c.id = ANY(%(ids)s)", ids
    elif after:
        at, _sep, number = after.rpartition("_")
        if number.isascii() and number.isdigit() and len(number) < 19:
            params["number"] = int(number)
            more = "m.contact_id < %(number)s"
            if newest_first and at:
                try:
                    params["at"] = datetime.fromisoformat(at)
                    more = "(m.joined_at, m.contact_id) < (%(at)s, %(number)s)"
                except ValueError:
                    pass
    order = "m.joined_at DESC, m.contact_id DESC" if newest_first else "m.contact_id DESC"
    rows = sql.rows(MEMBERS.format(visible=visible.text, more=more, order=order, limit=PAGE + 1), params)
    reasons = Reasons(segment)
    shown = rows[:PAGE]
    named = people.named(id for id, *_more in shown)
    points = scores([id for id, *_more in shown])
    members = [
        Member(named[id], points.get(id), at, reasons.words(reason, at), note or "", not reason.startswith("filter"))
        for id, at, reason, note in shown
        if id in named
    ]
    last = f"{shown[-1][1].isoformat()}_{shown[-1][0]}" if len(rows) > PAGE else ""
    return Members(members, last, newest_first)


def kept_out(segment: Segment, rights: Rights) -> list[dict[str, Any]]:
    """Who a hand keeps out of an active list: person, who did it, why, when. At most 100."""
    visible = finder.visible(rights, "contact", "c")
    rows = sql.rows(PINS.format(visible=visible.text), {**visible.params, "segment": segment.pk})
    named, reasons = people.named(id for id, *_more in rows), Reasons(segment)
    return [{"person": named[id], "who": reasons.name(actor), "why": why, "at": at} for id, _side, actor, why, at in rows if id in named]


def scores(ids: Sequence[int]) -> dict[int, int]:
    """Points of the first score of contacts."""
    first = ScoreModel.objects.filter(object_type="contact", archived_at=None).values_list("pk", flat=True).first()
    return dict(sql.rows("SELECT contact_id, total FROM score WHERE contact_id = ANY(%s) AND model_id = %s", [list(ids), first or 0]))


def history(segment: Segment, limit: int = 30) -> list[dict[str, Any]]:
    """What was done with the list itself, newest first, in words."""
    reasons = Reasons(segment)
    rows = History.objects.filter(subject_type="segment", subject_id=str(segment.pk)).order_by("-at", "-pk")[:limit]
    return [{"at": row.at, "who": reasons.name(row.actor) or _("system"), "what": list(_told(row.verb, row.detail))} for row in rows]


def _told(verb: str, detail: Mapping[str, Any]) -> Iterable[str]:
    match verb:
        case "created":
            yield _("made the list")
        case "archived":
            yield _("put it aside")
        case "restored":
            yield _("took it back")
        case "pinned_in":
            yield _("put {n} in by hand").format(n=detail.get("contacts", 0)) + _because(detail)
        case "pinned_out":
            yield _("kept {n} out by hand").format(n=detail.get("contacts", 0)) + _because(detail)
        case "unpinned":
            yield _("took {n} changes by hand back").format(n=detail.get("contacts", 0))
        case "updated":
            if "name" in detail:
                yield _("renamed it from “{old}”").format(old=detail["name"][0])
            if "kind" in detail:
                yield _("made it fixed") if detail["kind"][1] == "fixed" else _("made it active")
            if "filter" in detail:
                yield _("changed the filter; before: {sentence}").format(sentence=filter.sentence(detail["filter"][0]))
            if "role" in detail or "description" in detail:
                yield _("changed what it is for")
        case _:
            yield verb


def _because(detail: Mapping[str, Any]) -> str:
    return f" ({detail['why']})" if detail.get("why") else ""
