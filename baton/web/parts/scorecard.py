"""A contact's score as its card shows it: points, their way over the last weeks, and the rules they come from."""

from datetime import timedelta
from typing import Any

from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.segments import filter, scoring
from baton.segments.models import Score

WEEKS = 12  # of the score's trend
SHOWN = 7  # reasons shown at once


def card(contact_id: int) -> dict[str, Any] | None:
    """None before a score model exists."""
    model = scoring.first_model()
    if model is None:
        return None
    row = Score.objects.filter(contact_id=contact_id, model_id=model.pk).first()
    total = row.total if row else 0
    now = clock.now()
    changes = sql.rows(
        "SELECT ts, value FROM event WHERE contact_id = %s AND kind = %s AND ts > %s", [contact_id, int(Kind.SCORE_CHANGED), now - timedelta(weeks=WEEKS)]
    )
    weekly = [round(total - sum(v or 0 for ts, v in changes if ts > now - timedelta(weeks=back))) for back in range(WEEKS - 1, -1, -1)]
    hits = [h for h in scoring.explain(contact_id, model) if h.times and h.points]
    reasons = [{"text": filter.sentence(h.rule.filter), "times": h.times, "points": h.points, "bar": min(abs(h.points), 50)} for h in hits]
    top = max(*weekly, 1)
    mql_at, sql_at = model.begins("mql") or 0, model.begins("sql") or 0
    fit, engagement = (row.fit, row.engagement) if row else (0, 0)
    return {
        "total": total, "fit": fit, "engagement": engagement, "fit_part": max(fit, 0), "engagement_part": max(engagement, 0),
        "weekly": weekly, "week": round(sum(v or 0 for ts, v in changes if ts > now - timedelta(days=7))),
        "band": "sql" if total >= sql_at else "mql" if total >= mql_at else "", "mql": mql_at, "sql": sql_at,
        "mql_y": _height(mql_at, top), "sql_y": _height(sql_at, top),
        "reasons": reasons[:SHOWN], "rest": reasons[SHOWN:],
    }  # fmt: skip


def _height(points: int, top: int) -> int | None:
    """Where a threshold's line is drawn, in percent from the top; None when it is above the drawing."""
    return round(7 + 86 * (1 - points / top)) if points <= top else None
