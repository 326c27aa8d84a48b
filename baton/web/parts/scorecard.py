"""A contact's score as its card shows it: points, their way over the last weeks, the rules they come from, and what was given by hand."""

from datetime import timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.segments import entries, explain, scoring
from baton.segments.models import Score, ScoreModel

from . import score_words

WEEKS = 12  # of the score's trend
SHOWN = 7  # reasons shown at once
ENTRIES = 5  # of what was given by hand

CHANGES = """
SELECT e.ts, e.value FROM event e JOIN event_key k ON k.id = e.key AND k.kind = e.kind AND k.value = %s
WHERE e.contact_id = %s AND e.kind = %s AND e.ts > %s
"""
# What a rule is about, as the timeline's buttons have it: where the evidence is.
EVIDENCE = {
    "page_viewed": "web", "page_stayed": "web", "downloaded": "web", "cta_clicked": "web", "form_submitted": "form", "email_opened": "email",
    "email_clicked": "email", "activity": "sales", "event": "all",
}  # fmt: skip


def card(contact_id: int, model: ScoreModel | None = None) -> dict[str, Any] | None:
    """By the first score unless another is given. None before a score exists."""
    model = model or scoring.first_model()
    if model is None:
        return None
    prefetch_related_objects([model], "rules")  # asked for more than once below
    row = Score.objects.filter(contact_id=contact_id, model_id=model.pk).first()
    total = row.total if row else 0
    now = clock.now()
    changes = sql.rows(CHANGES, [str(model.pk), contact_id, int(Kind.SCORE_CHANGED), now - timedelta(weeks=WEEKS)])
    weekly = [round(total - sum(v or 0 for ts, v in changes if ts > now - timedelta(weeks=back))) for back in range(WEEKS - 1, -1, -1)]
    said = explain.explain(contact_id, model)
    assert said is not None  # None is for no score at all
    reasons = [
        {"text": hit.sentence, "times": hit.times, "points": hit.points, "bar": min(abs(hit.points), 50), "evidence": evidence(hit.rule.filter)}
        for hit in said.held
        if hit.points
    ]
    labels = {group["key"]: group["label"] for group in model.groups}
    top = max(*weekly, 1)
    names = score_words.colleagues() if (given := entries.of(contact_id, model)) else {}
    fit, engagement = (row.fit, row.engagement) if row else (0, 0)
    lines = [
        {"label": band["label"], "at": int(band["at_least"]), "y": _height(int(band["at_least"]), top), "hot": band is model.bands[-1]} for band in model.bands
    ]
    return {
        "model": model, "version": model.version, "total": total, "fit": fit, "engagement": engagement,
        "fit_part": max(fit, 0), "engagement_part": max(engagement, 0), "explicit": said.explicit, "implicit": said.implicit,
        "weekly": weekly, "week": round(sum(v or 0 for ts, v in changes if ts > now - timedelta(days=7))), "changed_at": row.changed_at if row else None,
        "band": said.band.key if said.band else "", "in_band": said.band, "next_band": said.next_band, "missing": said.missing_points, "lines": lines,
        "reasons": reasons[:SHOWN], "rest": reasons[SHOWN:], "ledger": said.ledger,
        "caps": [(labels.get(key, key), points) for key, points in said.caps.items() if points],
        "entries": [(entry, score_words.who(entry.actor, names)) for entry in given[:ENTRIES]], "more_entries": max(len(given) - ENTRIES, 0),
    }  # fmt: skip


def evidence(stored: Any) -> str:
    """Which part of the timeline shows what a rule looked at; empty for what stands in properties."""
    if not isinstance(stored, dict):
        return ""
    if kind := EVIDENCE.get(str(stored.get("condition", ""))):
        return kind
    inner = next((stored[how] for how in ("all", "any") if isinstance(stored.get(how), list)), [stored["not"]] if "not" in stored else [])
    found = {kind for part in inner if (kind := evidence(part))}
    return found.pop() if len(found) == 1 else "all" if found else ""


def _height(points: int, top: int) -> int | None:
    """Where a threshold's line is drawn, in percent from the top; None when it is above the drawing."""
    return round(7 + 86 * (1 - points / top)) if 0 <= points <= top else None
