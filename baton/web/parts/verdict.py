"""What a page says of sales' verdict on a contact: what waits, what holds, what is paused, and the form that gives one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts.models import Role, User
from baton.crm import stages
from baton.crm.models import Contact
from baton.messaging.models import Notification
from baton.platform import clock
from baton.platform.config import config
from baton.segments import recycle, verdicts
from baton.segments.models import Score
from baton.segments.recycle import Paused

from . import filter_editor
from .subject import Subject

TONES = {"ready": "good", "not_ready": "warn", "unqualified": "bad", "paused": "warn"}
ICONS = {"ready": "thumbs-up", "not_ready": "sprout", "unqualified": "ban", "paused": "circle-pause"}
REASONS: dict[str, list[str | Promise]] = {
    "ready": [],
    "not_ready": [
        gettext_lazy("No budget now"),
        gettext_lazy("Only collecting information"),
        gettext_lazy("Not the one who decides"),
        gettext_lazy("Could not be reached"),
    ],
    "unqualified": [gettext_lazy("Works at a competitor"), gettext_lazy("Supplier"), gettext_lazy("Student"), gettext_lazy("Not our market")],
    "paused": [
        gettext_lazy("Budget next year"),
        gettext_lazy("Signed with somebody else"),
        gettext_lazy("Project postponed"),
        gettext_lazy("Asked to be left alone for now"),
    ],
    "deadend": [gettext_lazy("Student"), gettext_lazy("Works at a competitor"), gettext_lazy("Retired"), gettext_lazy("Company closed")],
}
USUAL_DAYS = 90  # of a pause
ASKING = ("sql:", "verdict_due:")  # causes of notices that ask for a verdict
WAITS = {"properties__lifecyclestage": verdicts.SQL}
KINDS = ("forward", "recycle", "aside", "")  # of stages in which sales may say something


@dataclass(frozen=True)
class Said:
    """The verdict that holds."""

    key: str
    label: str
    tone: str
    icon: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Panel:
    """What the record shows; empty parts are left out."""

    waiting: bool  # an SQL without a verdict
    score: int
    since: str
    said: Said | None
    pause: Paused | None
    paused_by: str
    box: str  # the recycle stage, in words
    dead: bool
    may_give: bool
    may_reopen: bool

    @property
    def buttons(self) -> list[tuple[str, str, str | Promise]]:
        return buttons()


def buttons() -> list[tuple[str, str, str | Promise]]:
    """The verdicts as buttons: key, icon, label."""
    return [(key, ICONS[key], verdicts.WORDS[key] if key != "paused" else _("Pause")) for key in verdicts.GIVEN]


def ask(notices: Sequence[Notification]) -> None:
    """Give `ask` to the notices that ask for a verdict which nobody has given yet: the buttons. One query."""
    about = [n.contact_id for n in notices if n.contact_id and n.cause.startswith(ASKING)]
    waiting = (
        set(Contact.objects.filter(pk__in=about, archived_at=None, **WAITS).exclude(properties__has_key=verdicts.PROPERTY).values_list("pk", flat=True))
        if about
        else ()
    )
    for notice in notices:
        if notice.contact_id in waiting and notice.cause.startswith(ASKING):
            notice.ask = buttons()  # type: ignore[attr-defined]  # for templates


def of(subject: Subject, users: list[User]) -> Panel | None:
    """None for what is no contact."""
    if not subject.is_person:
        return None
    key = str(subject.values.get("lifecyclestage") or "")
    stage = next((s for s in stages.known() if s.key == key), None)
    kind = stage.kind if stage else ""
    names = {f"user:{u.pk}": u.name for u in users}
    newest = None if kind in ("won", "dead_end") else verdicts.newest(subject.id)
    pause = recycle.one(subject.id)
    waiting = key == verdicts.SQL and not subject.values.get(verdicts.PROPERTY)
    said = None
    if newest is not None and not waiting and (newest.verdict != "paused" or pause is not None):
        said = Said(
            newest.verdict, str(verdicts.WORDS[newest.verdict]), TONES[newest.verdict], ICONS[newest.verdict], newest.reason,
            names.get(newest.actor, ""), newest.at,
        )  # fmt: skip
    model = verdicts.threshold()[0] if waiting else None
    score = Score.objects.filter(contact_id=subject.id, model_id=model.pk).values_list("total", flat=True).first() if model else None
    return Panel(
        waiting=waiting, score=score or 0, since=str(subject.values.get("stage_since") or ""), said=said, pause=pause,
        paused_by=names.get(pause.actor, "") if pause else "", box=stage.label if stage and kind == "recycle" else "", dead=kind == "dead_end",
        may_give=subject.may_edit and kind in KINDS, may_reopen=subject.me.role == Role.ADMIN and not subject.archived,
    )  # fmt: skip


def choices(contact_id: int) -> list[dict[str, Any]]:
    """The verdicts as the form offers them, each with what follows from it."""
    model, least = verdicts.threshold()
    total = Score.objects.filter(contact_id=contact_id, model_id=model.pk).values_list("total", flat=True).first() if model else None
    falls = least is not None and total is not None and total >= least
    effects = {
        "ready": _("Stays an SQL; sales goes on."),
        "not_ready": _("Points {before} → {after}, back to MQL. Marketing goes on; who does more is an SQL again.").format(before=total, after=(least or 0) - 1)
        if falls
        else _("Back to MQL. Marketing goes on; who earns the points is an SQL again."),
        "unqualified": _("−100 points, back to subscriber, no marketing. No rule lifts the contact until somebody changes this."),
        "paused": _("No marketing message on any channel until the day; then back to nurturing by itself."),
    }
    return [{"key": key, "label": verdicts.WORDS[key], "icon": ICONS[key], "effect": effects[key], "reasons": REASONS[key]} for key in verdicts.GIVEN]


def form(request: HttpRequest, subject: Subject, values: dict[str, Any], faults: dict[str, str], wake: dict[str, Any]) -> dict[str, Any]:
    """What the form's template needs."""
    today = clock.now().astimezone(config().zone).date()
    stage = str(subject.values.get("lifecyclestage") or "")
    boxes = [(s.key, s.label) for s in stages.known() if s.kind == "recycle"]
    usual = "recycle_b" if stage == "opportunity" else "recycle_a"
    given = {"verdict": "ready", "reason": "", "until": (today + timedelta(days=USUAL_DAYS)).isoformat(), "into": usual, **values}
    errors = {path.removeprefix("wake.").removeprefix("wake"): text for path, text in faults.items() if path.startswith("wake")} or None
    return {
        "subject": subject, "values": given, "faults": faults, "options": choices(subject.id), "boxes": boxes,
        "first_day": (today + timedelta(days=1)).isoformat(), "quick_days": [(days, (today + timedelta(days=days)).isoformat()) for days in (30, 90, 180, 365)],
        **filter_editor.editor(request, wake, "wake", errors=errors, count=False), "open_wake": bool(wake) or errors is not None,
        "wake_fault": faults.get("wake", ""),
    }  # fmt: skip
