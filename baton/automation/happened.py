"""Triggers by what people did: the very events that changes tell of, and all of a time that is over, by the same conditions.

An event that is told late, or moved from one who was an anonymous visitor then, brings nobody in when it is older than LATE.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events import facts
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile
from baton.query.nodes import And, Node, Or, Performed
from baton.query.statement import Binder, Sql
from baton.segments import catalog, filter

LATE = timedelta(days=7)
ALL = gettext_noop("Each of these is another event: choose “any of these”. What must be true of the contact belongs to “Only those who”.")
OFTEN = gettext_noop("It is asked about one event. How often something happened is asked by a list: let joining it start the workflow.")
MEETING = timedelta(minutes=1)  # who became a contact by what he did is one this soon after it
CAUSE = "(%(words)s::jsonb ->> e.kind::text) || ':' || e.id"


def told(changes: Sequence[Change], kinds: Sequence[int]) -> list[tuple[int, datetime, int]]:
    """(contact, time, number) of the events of these kinds that changes name, each once. What moved from one id to another names none."""
    wanted = {str(int(kind)) for kind in kinds}
    return sorted({(c.contact_id, *facts.read(c.fact)) for c in changes if c.kind == "event" and c.fact and c.key.partition(":")[0] in wanted})


def causes(changes: Sequence[Change], such: Sequence[Performed], extra: Sql | None = None) -> dict[int, str]:
    """Of the events that changes name, the newest of each contact that is one of `such` and passes `extra`: contact -> `page_view:<number>`."""
    late = clock.now() - LATE
    places = [place for place in told(changes, [kind for node in such for kind in node.kinds]) if place[1] > late]
    if not places:
        return {}
    test = _test(such, extra)
    times = [at for _contact, at, _id in places]
    found = sql.rows(
        f"SELECT DISTINCT ON (e.contact_id) e.contact_id, {CAUSE}"
        " FROM unnest(%(contacts)s::bigint[], %(times)s::timestamptz[], %(ids)s::bigint[]) AS r(c, ts, id)"
        " JOIN event e ON e.contact_id = r.c AND e.ts = r.ts AND e.id = r.id"
        f" WHERE e.ts BETWEEN %(first)s AND %(last)s AND ({test.text}) ORDER BY e.contact_id, e.ts DESC, e.id DESC",
        {
            **test.params,
            "contacts": [contact for contact, _at, _id in places],
            "times": times,
            "ids": [id for _contact, _at, id in places],
            "first": min(times),
            "last": max(times),
        },
    )
    return dict(found)


def past(such: Sequence[Performed], since: datetime, until: datetime, extra: Sql | None = None) -> Sql:
    """SELECT of (contact, when, cause) of all such events in (since, until] of those who were contacts by then."""
    test = _test(such, extra)
    return Sql(
        f"SELECT e.contact_id, e.ts, {CAUSE} FROM event e JOIN contact c ON c.id = e.contact_id AND c.created_at <= e.ts + %(meeting)s"
        f" WHERE e.ts > %(since)s AND e.ts <= %(until)s AND ({test.text})",
        {**test.params, "since": since, "until": until, "meeting": MEETING},
    )


def _test(such: Sequence[Performed], extra: Sql | None) -> Sql:
    """The condition on one `event e`, with the words of causes among its values."""
    bind, known, now = Binder("h"), catalog.current(), clock.now()
    tests = [f"({compile.happened(node, known, bind, now=now, zone=config().zone)})" for node in such]
    text = " OR ".join(tests) or "false"
    words = {str(int(kind)): Kind(kind).word for node in such for kind in node.kinds}
    params: dict[str, Any] = {**bind.params, "words": as_json(words)}
    return Sql(text, params) if extra is None else Sql(f"({text}) AND {extra.text}", params | extra.params)


def as_json(words: Mapping[str, str]) -> str:
    """As a parameter that is jsonb."""
    return json.dumps(words, ensure_ascii=False)


def parse(stored: Mapping[str, Any]) -> list[Performed]:
    """The happenings that a stored filter names: one condition, or any of several. Raises Invalid, at its path, for what asks about more than one event."""
    node = filter.parse(dict(stored), catalog.current())
    parts: tuple[Node, ...] = node.children if isinstance(node, Or) else (node,)
    found = []
    for number, part in enumerate(parts):
        at = f"any.{number}" if len(parts) > 1 else ""
        if isinstance(part, And):
            raise Invalid.one(at, "NOT_ONE_EVENT", _(ALL))
        if not isinstance(part, Performed):
            raise Invalid.one(at, "NOT_AN_EVENT", _("Only what happens starts a workflow. What must be true of the contact belongs to “Only those who”."))
        if part.at_least != 1 or part.at_most is not None or part.pick is not None or part.total is not None:
            raise Invalid.one(at, "NOT_ONE_EVENT", _(OFTEN))
        if part.within or part.older or part.since or part.until or part.period:
            raise Invalid.one(at, "NOT_ONE_EVENT", _("It starts when it happens: leave out the time."))
        found.append(part)
    return found


def problems(stored: Mapping[str, Any], at: str = "filter") -> list[Problem]:
    """What is wrong with a filter of happenings, by paths that begin with the field's name."""
    try:
        parse(stored)
    except Invalid as error:
        return [Problem(at if p.path in ("", "filter") else f"{at}.{p.path}", p.code, p.message) for p in error.problems]
    return []
