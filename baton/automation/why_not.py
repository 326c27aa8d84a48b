"""Why somebody is not enrolled in a workflow: each thing that enrolling asks, in its order, which of them is the first to fail, and what would make it true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.automation import graph
from baton.automation.graph import Graph
from baton.automation.models import Enrollment, Workflow
from baton.automation.why import cause, facts
from baton.crm.models import Contact, Record
from baton.platform import clock, sql
from baton.query.statement import Sql
from baton.segments import parts as taken_apart
from baton.segments.models import Membership, Segment
from baton.segments.parts import Part

SINCE = timedelta(days=90)  # how far back a fact is looked for that a trigger might have taken


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that enrolling asks. `fix`: what would make it true; `url` leads there."""

    key: str
    sentence: str
    holds: bool
    fix: str = ""
    url: str = ""
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """All that enrolling asks, in its order. `at`: the moment it was asked about, which is that of the last fact that could have enrolled him."""

    asks: tuple[Ask, ...]
    at: datetime | None
    fact: str = ""

    @property
    def first(self) -> Ask | None:
        return next((ask for ask in self.asks if not ask.holds), None)


def of(workflow: Workflow, id: int) -> WhyNot:
    """What enrolling asks of this contact (or record): asked about the moment of the last fact that could have brought him in, else about now."""
    live = graph.readable(workflow.published_id) if workflow.published_id else None
    asks = [_running(workflow)]
    there = _there(workflow, id)
    if there is not None:
        asks.append(there)
    if live is None:
        return WhyNot(tuple(asks), None)
    facts = _last_facts(live, workflow, id)
    fact = max(facts, key=lambda one: one[1], default=None)
    ask, at, words = _triggered(live, workflow, id, fact)
    asks.append(ask)
    settings = live.settings
    if settings.audience:
        part = taken_apart.of(settings.audience, id, at, workflow.object_type)
        asks.append(Ask("audience", _("Is one of those whom the workflow is for"), bool(part.holds), taken_apart.missing(part), "", part))
    if settings.suppress:
        asks.append(_suppressed(settings.suppress, id))
    last = Enrollment.objects.filter(contact_id=id, workflow_id=workflow.pk).order_by("-enrolled_at").first()
    asks.append(_again(settings.again, settings.again_days, last))
    asks.append(_inside(settings.inside, last))
    return WhyNot(tuple(asks), at, words)


def _running(workflow: Workflow) -> Ask:
    said = _("The workflow is on")
    at = f"/workflows/{workflow.pk}/"
    if workflow.archived_at is not None:
        return Ask("off", said, False, _("It is archived: restore it."), f"{at}versions/")
    if workflow.published_id is None:
        return Ask("off", said, False, _("It was never published: publish it."), f"{at}publish/")
    if workflow.state != "on":
        return Ask("off", said, False, _("It is paused: resume it."), at)
    return Ask("off", said, True)


def _there(workflow: Workflow, id: int) -> Ask | None:
    if workflow.object_type == "contact":
        row: Contact | Record | None = Contact.objects.filter(pk=id).first()
    else:
        row = Record.objects.filter(pk=id).first()
    said = _("The record is in use, and not archived")
    if row is None:
        return Ask("archived", said, False, _("Nobody is known by this number: it was merged or erased, or is a visitor without a name."))
    return Ask("archived", said, row.archived_at is None, "" if row.archived_at is None else _("Take the record back from the archive."))


def _last_facts(live: Graph, workflow: Workflow, id: int) -> list[tuple[str, datetime, str]]:
    """(trigger id, time, cause) of what could have enrolled him since the live version was published, as far as triggers know their past."""
    version = workflow.published
    now = clock.now()
    since = max(version.published_at if version else now - SINCE, now - SINCE)
    found = []
    for trigger in live.triggers:
        past = _asked_of(
            trigger.past(since, now, workflow.object_type),
            "SELECT p.at, p.cause FROM ({inner}) AS p(id, at, cause) WHERE p.id = %(whom)s ORDER BY p.at DESC LIMIT 1",
            id,
        )
        found += [(trigger.id, at, cause) for at, cause in past]
    last = Enrollment.objects.filter(contact_id=id, workflow_id=workflow.pk, enrolled_at__gte=since).exclude(trigger="").order_by("-enrolled_at").first()
    if last is not None and not found:  # a trigger that keeps no past
        found.append((last.trigger, last.enrolled_at, last.cause))
    return found


def _asked_of(statement: Sql | None, outer: str, id: int) -> list[tuple[Any, ...]]:
    return [] if statement is None else sql.rows(outer.format(inner=statement.text), {**statement.params, "whom": id})


def _triggered(live: Graph, workflow: Workflow, id: int, fact: tuple[str, datetime, str] | None) -> tuple[Ask, datetime | None, str]:
    names = " / ".join(t.heading() for t in live.triggers) or _("by hand")
    said = _("What enrolls happened: {triggers}").format(triggers=names)
    if fact is not None:
        words, _at = cause(fact[2], facts(id, [fact[2]]))
        trigger = live.trigger(fact[0])
        return Ask("trigger", said, True), fact[1], words or (trigger.heading() if trigger else "")
    for trigger in live.triggers:
        backlog = trigger.backlog(workflow.object_type)
        if _asked_of(backlog, "SELECT 1 FROM ({inner}) AS p(id, cause) WHERE p.id = %(whom)s LIMIT 1", id):
            fix = _("It is so already, but came about before this version was published: enroll by hand, or publish with those for whom it holds now.")
            return Ask("trigger", said, False, fix, f"/workflows/{workflow.pk}/"), None, trigger.heading()
    version = workflow.published
    day = version.published_at if version else None
    part = None
    for trigger in live.triggers:
        stored = getattr(trigger, "filter", None)
        if isinstance(stored, dict) and stored:
            part = taken_apart.of(stored, id, None, workflow.object_type)
    return (
        Ask(
            "trigger",
            said,
            False,
            _("This has to happen, from the publishing of this version on: {triggers}").format(triggers=names) if day else names,
            "",
            part,
        ),
        None,
        "",
    )


def _suppressed(segments: Sequence[int], id: int) -> Ask:
    names = dict(Segment.objects.filter(pk__in=segments).values_list("pk", "name"))
    held = [s for s in Membership.objects.filter(contact_id=id, segment_id__in=segments).values_list("segment_id", flat=True)]
    said = _("Is in none of the lists that keep people out: {lists}").format(lists=", ".join(names.get(s, f"#{s}") for s in segments))
    if not held:
        return Ask("suppressed", said, True)
    return Ask("suppressed", said, False, _("Leave the list “{name}”.").format(name=names.get(held[0], held[0])), f"/lists/{held[0]}/")


def _again(again: str, days: int, last: Enrollment | None) -> Ask:
    match again:
        case "never":
            said = _("Was never enrolled before: everybody enters once")
            return Ask("again", said, last is None, "" if last is None else _("Allow it again in the settings of the workflow."))
        case "after_days":
            said = ngettext("The run before began more than {n} day ago", "The run before began more than {n} days ago", days).format(n=days)
            until = last.enrolled_at + timedelta(days=days) if last else None
            if until is None or until <= clock.now():
                return Ask("again", said, True)
            return Ask("again", said, False, _("A new occasion from {day} on.").format(day=f"{until:%Y-%m-%d %H:%M} UTC"))
        case "on_rejoin":
            return Ask("again", _("May enter again when a list, band or stage is entered anew"), True)
    return Ask("again", _("May enter at every new occasion"), True)


def _inside(inside: str, last: Enrollment | None) -> Ask:
    said = _("Is not inside the workflow already")
    if last is None or last.state not in ("active", "queued") or inside in ("supersede", "wait"):
        return Ask("inside", said if inside not in ("supersede", "wait") else _("Who is inside already may enter: the run before ends, or is waited for"), True)
    return Ask("inside", said, False, _("The run must end first, or the person be removed from it."))
