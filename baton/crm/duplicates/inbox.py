"""The suggestions as people work them off: best first, those they may see; dismissed for good."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.accounts.rights import Rights
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import NotFound


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two records that look like one; `a` is the older one. `reasons`: names of traits.WORDS."""

    object_type: str
    a: int
    b: int
    score: int
    reasons: Sequence[str]


def page(object_type: str, *, rights: Rights = rights.SYSTEM, after: tuple[int, int, int] | None = None, limit: int = 50) -> list[Suggestion]:
    """The suggestions of a type the principal may see both records of, best first; `after`: (score, a, b) of the last one shown."""
    table = "contact" if object_type == "contact" else "record"
    tests, params = [], []
    for alias in ("a", "b"):
        test, more = rights.where(object_type, "view", alias)
        tests.append(test)
        params += more
    walked = "(l.score, l.record_id, l.other_id) < (%s, %s, %s)" if after else "true"
    rows = sql.rows(
        f"SELECT l.record_id, l.other_id, l.score, l.reasons::text FROM likeness l JOIN {table} a ON a.id = l.record_id JOIN {table} b ON b.id = l.other_id"
        f" WHERE l.object_type = %s AND l.dismissed_at IS NULL AND a.archived_at IS NULL AND b.archived_at IS NULL AND {' AND '.join(tests)} AND {walked}"
        " ORDER BY l.score DESC, l.record_id DESC, l.other_id DESC LIMIT %s",
        [object_type, *params, *(after or ()), limit],
    )
    return [Suggestion(object_type, a, b, score, _names(reasons)) for a, b, score, reasons in rows]


def count(object_type: str, most: int = 1000) -> int:
    """How many suggestions are open, counted up to `most`."""
    found = sql.rows("SELECT count(*) FROM (SELECT 1 FROM likeness WHERE object_type = %s AND dismissed_at IS NULL LIMIT %s) l", [object_type, most])
    return int(found[0][0])


def of_record(id: int) -> list[Suggestion]:
    """The open suggestions a record is in, best first."""
    rows = sql.rows(
        "SELECT object_type, record_id, other_id, score, reasons::text FROM likeness WHERE record_id = %s AND dismissed_at IS NULL UNION ALL"
        " SELECT object_type, record_id, other_id, score, reasons::text FROM likeness WHERE other_id = %s AND dismissed_at IS NULL ORDER BY 4 DESC LIMIT 20",
        [id, id],
    )
    return [Suggestion(kind, a, b, score, _names(reasons)) for kind, a, b, score, reasons in rows]


def get(a: int, b: int) -> Suggestion | None:
    """The suggestion about two records, open or not."""
    rows = sql.rows(
        "SELECT object_type, record_id, other_id, score, reasons::text FROM likeness WHERE record_id = %s AND other_id = %s", [min(a, b), max(a, b)]
    )
    return next((Suggestion(kind, one, two, score, _names(reasons)) for kind, one, two, score, reasons in rows), None)


def dismiss(a: int, b: int, *, actor: Actor) -> None:
    """The two are not the same: never suggest them again. Raises NotFound."""
    with transaction.atomic():
        if not sql.run(
            "UPDATE likeness SET dismissed_at = %s, dismissed_by = %s WHERE record_id = %s AND other_id = %s AND dismissed_at IS NULL",
            [clock.now(), str(actor), min(a, b), max(a, b)],
        ):
            raise NotFound(_("There is no such suggestion any more."))
        history.record(actor, "dismissed", "likeness", min(a, b), other=max(a, b))


def take_back(a: int, b: int, *, actor: Actor) -> None:
    """Take a dismissal back."""
    with transaction.atomic():
        sql.run("UPDATE likeness SET dismissed_at = NULL, dismissed_by = '' WHERE record_id = %s AND other_id = %s", [min(a, b), max(a, b)])
        history.record(actor, "restored", "likeness", min(a, b), other=max(a, b))


def _names(stored: str) -> list[str]:
    return [str(name) for name in json.loads(stored)]
