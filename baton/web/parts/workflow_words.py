"""Runs of workflows in words: states, outcomes, reasons, whom they lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from baton.accounts.rights import Rights
from baton.automation import runs
from baton.automation.models import Workflow
from baton.automation.runs import Pair
from baton.automation.settings import AGAIN
from baton.automation.why import Line, Run
from baton.crm import contacts, records
from baton.platform.actor import Actor

from ..templatetags.fmt import spent

STATES: dict[str, tuple[str | Promise, str]] = {  # label, tone of its badge
    "active": (gettext_lazy("inside"), "accent"),
    "queued": (gettext_lazy("waits for the run before"), "outline"),
    "finished": (gettext_lazy("finished"), "good"),
    "goal": (gettext_lazy("goal reached"), "good"),
    "removed": (gettext_lazy("removed"), "outline"),
    "superseded": (gettext_lazy("replaced by a new run"), "outline"),
    "failed": (gettext_lazy("failed"), "bad"),
}
OUTCOMES: dict[str, tuple[str | Promise, str]] = {
    "done": (gettext_lazy("Done"), "good"),
    "waiting": (gettext_lazy("Waiting"), "warn"),
    "skipped": (gettext_lazy("Skipped"), "outline"),
    "failed": (gettext_lazy("Failed"), "bad"),
    "left": (gettext_lazy("Left"), "outline"),
    "moved": (gettext_lazy("Taken over"), "outline"),
}
REASONS: dict[str, str | Promise] = {
    "goal": gettext_lazy("the goal was reached"),
    "suppressed": gettext_lazy("joined a list that keeps people out"),
    "consent": gettext_lazy("no consent to messages any more"),
    "reply": gettext_lazy("answered a mail"),
    "archived": gettext_lazy("archived"),
    "by hand": gettext_lazy("taken out by hand"),
    "nobody": gettext_lazy("nobody to tell"),
    "no_email": gettext_lazy("the e-mail does not exist any more"),
    "merged": gettext_lazy("merged with another record"),
    "version": gettext_lazy("by a new version"),
    "superseded": gettext_lazy("a new run began"),
}
MAILS: dict[str, str | Promise] = {
    "queued": gettext_lazy("waits to be sent"),
    "claimed": gettext_lazy("is being sent"),
    "handing": gettext_lazy("is being sent"),
    "sent": gettext_lazy("sent"),
    "skipped": gettext_lazy("not sent"),
    "failed": gettext_lazy("failed"),
    "unknown": gettext_lazy("may not have arrived"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A run as the page shows it."""

    state: str
    tone: str
    reason: str
    by: str
    policy: str
    lines: list[tuple[Line, str, str, str, str, str]]  # line, outcome, its tone, how long it waited, what became of its mail, the reason


def name(properties: Mapping[str, Any]) -> str:
    """Of a contact or another record."""
    return next((str(properties[key]) for key in ("dealname", "subject", "name") if properties.get(key)), "") or contacts.display_name(dict(properties))


def url(object_type: str, id: int) -> str:
    """The page of a contact or record."""
    plural = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
    return f"/{plural[object_type]}/{id}/" if object_type in plural else f"/objects/{object_type}/{id}/"


def state(key: str) -> tuple[str, str]:
    label, tone = STATES.get(key, (key, "outline"))
    return str(label), tone


def outcome(key: str, way: str = "") -> tuple[str, str]:
    label, tone = OUTCOMES.get(key, (way or key, "accent"))
    return str(label), tone


def reason(key: str) -> str:
    return str(REASONS.get(key, key))


def stretch(length: timedelta) -> str:
    """How long a wait took: 3 days 2 h, 25 min."""
    minutes = round(length.total_seconds() / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        ngettext("{n} day", "{n} days", days).format(n=days) if days else "",
        ngettext("{n} hour", "{n} hours", hours).format(n=hours) if hours else "",
        ngettext("{n} minute", "{n} minutes", rest).format(n=rest) if rest and not days else "",
    ]
    return " ".join(part for part in parts if part) or spent(length.total_seconds())


def run(found: Run, by: str) -> Said:
    """`by`: who enrolled, in words."""
    label, tone = state(found.state)
    lines = []
    for line in found.lines:
        said, colour = outcome(line.outcome, line.way)
        mail = ""
        if line.mail:
            mail = " · ".join(filter(None, (str(MAILS.get(line.mail.state, line.mail.state)), line.mail.reason)))
        lines.append((line, said, colour, stretch(line.waited) if line.waited else "", mail, reason(line.reason)))
    by = "" if found.trigger else _("Enrolled by hand · {who}").format(who=by) if by else _("Enrolled by hand")
    return Said(label, tone, reason(found.reason), by, str(dict(AGAIN).get(found.policy, "")), lines)


def allowed(object_type: str, pairs: Sequence[Pair], held: Rights) -> list[Pair]:
    """Those of the runs whose record the reader may change."""
    found = records.many(object_type, {c for c, _e in pairs}, archived=None)
    return [(c, e) for c, e in pairs if c in found and held.may(object_type, "edit", [found[c].owner_id])]


def act(what: str, workflow: Workflow, pairs: Sequence[Pair], by: Actor) -> int:
    """Retry, skip or remove these runs; returns how many it was done to."""
    if what == "retry":
        return runs.retry(pairs, by)
    if what == "skip":
        return runs.skip(pairs, by)
    return runs.remove(workflow, {c for c, _e in pairs}, by) if pairs else 0
