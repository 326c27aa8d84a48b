"""Tests of workflows as YAML files: made-up contacts, what they do on which day, and what must come of it. `baton workflow test FILE` runs them.

    workflow: SaaS nurture            # the name of a workflow here, or `file: nurture.yaml`, an exported one beside this file
    start: 2026-11-02 09:00           # in the zone of the account
    days: 21
    contacts:
      kim:
        properties: {email: kim@hanbit.example}
        facts: [{day: 0, form: Free trial}, {day: 5, property: {city: 서울}}]
    expect:
      contacts:
        kim: {path: [s1, s2, s3, s4, s5=yes], mails: [{day: 0, mail: Welcome}], ends: finished}
      counts: [{step: s4, day: 0, came: 1}]

Names stand where a workflow holds numbers. All of it is told in docs/workflow-rehearsals.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import graph as graphs
from baton.automation import plain_yaml, portable, rehearse
from baton.automation.field import join
from baton.automation.ghosts import KINDS, Fact, Ghost
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.names import Names
from baton.automation.rehearsed import Result
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

PARTS = {"workflow", "file", "version", "start", "days", "others", "contacts", "expect"}
NAMED = {"form": "form", "opened": "email", "clicked": "email", "unsubscribed": "email", "joined": "segment", "left": "segment"}
EXPECTED = {"contacts", "counts", "messages", "ends"}
OF_CONTACT = {"path", "mails", "ends", "runs"}
COUNTED = ("came", "left", "failed", "waiting")
Stored = Mapping[str, Any]


@dataclass
class Outcome:
    """What became of a file; it passed when there are no `failures`."""

    people: int
    days: int
    failures: list[str] = field(default_factory=list)
    result: Result | None = None


@dataclass(frozen=True)
class Journey:
    """A file that was read."""

    graph: Graph
    workflow: Workflow | None
    start: datetime
    days: int
    people: rehearse.Ghosts
    expect: Stored


def run(text: str, beside: Path) -> Outcome:
    """Run the text of a file; files it names are looked for in `beside`. Raises Invalid with the place of every fault, before anything is tried."""
    journey = read(text, beside)
    result = rehearse.run(journey.graph, journey.people, journey.start, journey.days, workflow=journey.workflow)
    return Outcome(len(journey.people.people), journey.days, compare(journey, result), result)


# Reading ---------------------------------------------------------------------


def read(text: str, beside: Path) -> Journey:
    """Raises Invalid with paths."""
    said = plain_yaml.read(text)
    if not isinstance(said, Mapping):
        raise Invalid.one("", "INVALID_VALUE", _("Expected an object."))
    problems = [Problem(str(part), "UNKNOWN_FIELD", _("There is no such field.")) for part in said.keys() - PARTS]
    graph, workflow = _graph(said, beside)
    start = _start(said.get("start"), problems)
    days = said.get("days", 30)
    if not isinstance(days, int) or isinstance(days, bool):
        problems.append(Problem("days", "INVALID_VALUE", _("Expected a number.")))
        days = 1
    people = [_ghost(str(name), about or {}, start, problems) for name, about in _mapping(said.get("contacts"), "contacts", problems).items()]
    expect = _mapping(said.get("expect"), "expect", problems)
    problems += [Problem(f"expect.{part}", "UNKNOWN_FIELD", _("There is no such field.")) for part in expect.keys() - EXPECTED]
    for name, wanted in _mapping(expect.get("contacts"), "expect.contacts", problems).items():
        if name not in {ghost.name for ghost in people}:
            problems.append(Problem(f"expect.contacts.{name}", "NOT_FOUND", _("There is no contact {name} in this file.").format(name=name)))
        problems += [Problem(f"expect.contacts.{name}.{part}", "UNKNOWN_FIELD", _("There is no such field.")) for part in wanted.keys() - OF_CONTACT]
    for number, wanted in enumerate(expect.get("counts") or ()):
        if _node(graph, wanted.get("step")) is None:
            problems.append(Problem(join("expect.counts", number, "step"), "NOT_FOUND", _("There is no step {id}.").format(id=wanted.get("step"))))
    if problems:
        raise Invalid(problems)
    return Journey(graph, workflow, start, days, rehearse.Ghosts(people, bool(said.get("others", False))), expect)


def people(text: str, start: datetime) -> list[dict[str, Any]]:
    """Only the `contacts` of a file, as rehearsals.ask takes them. Raises Invalid."""
    said = plain_yaml.read(text)
    problems: list[Problem] = []
    found = [_ghost(str(name), about or {}, start, problems) for name, about in _mapping(said, "contacts", problems).items()]
    if not found and not problems:
        problems.append(Problem("contacts", "REQUIRED", _("Write at least one contact.")))
    if problems:
        raise Invalid(problems)
    return [
        {
            "name": ghost.name,
            "properties": dict(ghost.properties),
            "consent": ghost.consent,
            "facts": [{"at": f.at.isoformat(), "kind": f.kind, "value": f.value, "more": dict(f.more)} for f in ghost.facts],
        }
        for ghost in found
    ]


def moment(text: str) -> datetime:
    """A day and a time in the zone of the account. Raises Invalid (`start`)."""
    problems: list[Problem] = []
    found = _start(text, problems)
    if problems:
        raise Invalid(problems)
    return found


def _graph(said: Stored, beside: Path) -> tuple[Graph, Workflow | None]:
    if bool(said.get("workflow")) == bool(said.get("file")):
        raise Invalid.one("workflow", "REQUIRED", _("Say which workflow: `workflow` with its name, or `file`."))
    if said.get("file"):
        path = beside / str(said["file"])
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise Invalid.one("file", "NOT_FOUND", f"{path}: {error.strerror}") from None
        document = portable.read(text)
        return graphs.parse(portable.numbers(document), str(document.get("object_type", "contact"))), None
    id = Names().id("workflow", said["workflow"])
    workflow = Workflow.objects.select_related("published").filter(pk=id).first() if id else None
    if workflow is None:
        raise Invalid.one("workflow", "NOT_FOUND", _("There is no workflow “{name}” here.").format(name=said["workflow"]))
    return graphs.parse(stored(workflow, said.get("version", "draft")), workflow.object_type), workflow


def stored(workflow: Workflow, version: Any) -> dict[str, Any]:
    """What is stored under `draft`, `published` or the number of a version. Raises Invalid (`version`)."""
    if version == "draft":
        return dict(workflow.draft)
    found = (
        workflow.published
        if version == "published"
        else workflow.versions.filter(number=version).first()
        if re.fullmatch(r"[0-9]{1,9}", str(version))
        else None
    )
    if found is None:
        raise Invalid.one("version", "NOT_FOUND", _("There is no version {number}.").format(number=version))
    return dict(found.graph)


def _start(said: Any, problems: list[Problem]) -> datetime:
    """`2026-11-02`, `2026-11-02 09:00`; nothing: today at nine."""
    zone = config().zone
    if said in (None, ""):
        return datetime.combine(clock.now().astimezone(zone).date(), time(9), zone)
    try:
        found = said if isinstance(said, datetime) else datetime.combine(said, time(9)) if isinstance(said, date) else datetime.fromisoformat(str(said))
    except ValueError:
        problems.append(Problem("start", "INVALID_DATE", _("Expected a day and a time, as in 2026-11-02 09:00.")))
        return clock.now()
    return found.replace(tzinfo=found.tzinfo or zone)


def _ghost(name: str, about: Any, start: datetime, problems: list[Problem]) -> Ghost:
    at = f"contacts.{name}"
    about = _mapping(about, at, problems)
    problems += [Problem(f"{at}.{part}", "UNKNOWN_FIELD", _("There is no such field.")) for part in about.keys() - {"properties", "consent", "facts"}]
    names = Names()
    told = about.get("facts") or []
    if not isinstance(told, list):
        problems.append(Problem(f"{at}.facts", "INVALID_VALUE", _("Expected a list.")))
        told = []
    facts = [_fact(said, join(f"{at}.facts", number), start, names, problems) for number, said in enumerate(told)]
    consent = about.get("consent", True)
    return Ghost(name, _mapping(about.get("properties"), f"{at}.properties", problems), consent if consent is None else bool(consent), [f for f in facts if f])


def _fact(said: Any, at: str, start: datetime, names: Names, problems: list[Problem]) -> Fact | None:
    """`{day: 3, at: "14:30", form: Free trial}`; without `at`, at the time of day of the start."""
    said = _mapping(said, at, problems)
    kinds = [kind for kind in said if kind in KINDS]
    if len(kinds) != 1:
        problems.append(Problem(at, "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(KINDS))))
        return None
    [kind] = kinds
    value = said[kind]
    if kind in NAMED and not (kind == "unsubscribed" and value is True):
        value = names.id(NAMED[kind], value)
        if value is None:
            problems.append(Problem(f"{at}.{kind}", "NOT_FOUND", _("There is nothing called “{name}” here.").format(name=said[kind])))
    day, hour = said.get("day", 0), said.get("at")
    try:
        moment = start + timedelta(days=float(day))
        if hour is not None:
            moment = datetime.combine(moment.astimezone(start.tzinfo).date(), time.fromisoformat(str(hour)), start.tzinfo)
    except (TypeError, ValueError, OverflowError):
        problems.append(Problem(at, "INVALID_DATE", _("Expected a day and a time of day, as in {day: 3, at: '14:30'}.")))
        return None
    if moment < start:
        problems.append(Problem(at, "INVALID_DATE", _("This lies before the start.")))
    return Fact(moment, kind, value, {key: one for key, one in said.items() if key not in (kind, "day", "at")})


def _mapping(said: Any, at: str, problems: list[Problem]) -> Stored:
    if said is None:
        return {}
    if isinstance(said, Mapping):
        return said
    problems.append(Problem(at, "INVALID_VALUE", _("Expected an object.")))
    return {}


# Comparing -------------------------------------------------------------------


def compare(journey: Journey, result: Result) -> list[str]:
    """What was expected and did not come true, a line each."""
    failures: list[str] = []
    people = {path["name"]: path for path in result.paths}
    for name, wanted in (journey.expect.get("contacts") or {}).items():
        failures += [f"{name}: {line}" for line in _of_contact(journey, wanted, people[name])]
    for wanted in journey.expect.get("counts") or ():
        failures += _counts(journey.graph, wanted, result)
    if messages := journey.expect.get("messages"):
        got = {"sent": sum(m["sent"] for m in result.mails), "skipped": sum(sum(m["skipped"].values()) for m in result.mails)}
        failures += [_differs(f"messages, {what}", number, got.get(what)) for what, number in messages.items() if got.get(what) != number]
    if (ends := journey.expect.get("ends")) is not None and {k: v for k, v in ends.items() if v} != result.ends:
        failures.append(_differs("ends", ends, result.ends))
    return failures


def _of_contact(journey: Journey, wanted: Stored, got: Stored) -> list[str]:
    failures = []
    runs = got["runs"]
    if "runs" in wanted and len(runs) != wanted["runs"]:
        failures.append(_differs(_("runs"), wanted["runs"], len(runs)))
    if "path" in wanted:
        walked = [_walked(step) for run in runs for step in run["walked"]]
        asked = [_asked(journey.graph, step) for step in wanted["path"]]
        if not _same_path(asked, walked):
            failures.append(_differs(_("path"), " ".join(map(str, wanted["path"])) or "-", " ".join(_shown(*step) for step in walked) or "-"))
    if "ends" in wanted:
        last = runs[-1] if runs else None
        ended = "never" if last is None else last["state"]
        place = f"{ended} at {last['step']}" if last and last["state"] == "active" else ended
        if wanted["ends"] not in (ended, place):
            failures.append(_differs(_("ends"), wanted["ends"], place + (f" ({last['reason']})" if last and last["reason"] else "")))
    if "mails" in wanted:
        failures += _mails(journey, wanted["mails"], got["messages"])
    return failures


def _mails(journey: Journey, wanted: Sequence[Any], got: Sequence[Stored]) -> list[str]:
    """In order; each with its day. A skipped one is expected with `skipped: <reason>`."""
    names = dict(Email.objects.values_list("pk", "name"))
    asked = [_mail(one) for one in wanted]
    came = [(_day(journey.start, m["at"]), names.get(m["email"], ""), "" if m["state"] == "sent" else m["reason"] or m["state"]) for m in got]
    plain = [(day if asks[0] is not None else None, name, why) for (day, name, why), asks in zip(came, asked, strict=False)] + came[len(asked) :]
    if plain == asked:
        return []
    return [_differs(_("mails"), "; ".join(_told(*one) for one in asked) or "-", "; ".join(_told(*one) for one in came) or "-")]


def _mail(said: Any) -> tuple[int | None, str, str]:
    if isinstance(said, Mapping):
        return said.get("day"), str(said.get("mail", "")), str(said.get("skipped") or "")
    return None, str(said), ""


def _told(day: int | None, name: str, why: str) -> str:
    return ("" if day is None else f"{_('day')} {day} ") + f"“{name}”" + (f" ({_('skipped')}: {why})" if why else "")


def _counts(graph: Graph, wanted: Stored, result: Result) -> list[str]:
    """Of one node, on one day or in all; `waiting` on a day is at its end."""
    id = _node(graph, wanted["step"])
    node = result.node(id or "")
    failures = []
    for place, what in enumerate(COUNTED):
        if what not in wanted:
            continue
        if node is None:
            got = 0
        elif (day := wanted.get("day")) is None:
            got = int(getattr(node, what))
        elif what == "waiting":
            before = [int(key) for key in node.days if int(key) <= day]
            got = node.days[str(max(before))][3] if before else 0
        else:
            got = node.days.get(str(day), [0, 0, 0, 0])[{"came": 0, "left": 1, "failed": 2}[what]]
        if got != wanted[what]:
            about = f"{wanted['step']}" + (f", {_('day')} {wanted['day']}" if "day" in wanted else "") + f", {COUNTED[place]}"
            failures.append(_differs(about, wanted[what], got))
    return failures


def _node(graph: Graph, said: Any) -> str | None:
    """The id of a step or trigger: given as such, or by the name people gave it."""
    ids = [*(t.id for t in graph.triggers), *(s.id for s in graph.walk())]
    if said in ids:
        return str(said)
    named = [s.id for s in graph.walk() if said in (s.name, s.heading())]
    return named[0] if len(named) == 1 else None


def _asked(graph: Graph, said: Any) -> tuple[str, str]:
    """`s5=yes`, `s5`, `Welcome`."""
    step, _equals, way = str(said).partition("=")
    return _node(graph, step.strip()) or step.strip(), way.strip()


def _walked(step: Stored) -> tuple[str, str]:
    return step["step"], step["outcome"]


def _same_path(asked: Sequence[tuple[str, str]], walked: Sequence[tuple[str, str]]) -> bool:
    return [step for step, _way in asked] == [step for step, _way in walked] and all(
        not way or way == went for (_s, way), (_t, went) in zip(asked, walked, strict=True)
    )


def _shown(step: str, outcome: str) -> str:
    return step if outcome == "done" else f"{step}={outcome}"


def _day(start: datetime, at: str) -> int:
    zone = config().zone
    return (datetime.fromisoformat(at).astimezone(zone).date() - start.astimezone(zone).date()).days


def _differs(about: str, wanted: Any, got: Any) -> str:
    return _("{about}: expected {wanted}, got {got}").format(about=about, wanted=wanted, got=got)
