"""What to look at before publishing: what is missing (graph.problems), and what only the whole shows. Each check says where to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.automation import circles, enroll
from baton.automation.field import join
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.step import Step
from baton.messaging import gate
from baton.messaging.models import Email
from baton.platform.errors import Problem
from baton.query.statement import Sql
from baton.segments.models import Membership, Segment

SILENT = ("archived", "no_address")  # why a mail does not go that has nothing to do with the person's will


@dataclass(frozen=True, slots=True)
class Check:
    """One thing found. `step` is the id of the step or trigger it is about, "settings", or ""; the fix is an address and the words of its button."""

    path: str
    step: str
    message: str
    fix_url: str
    fix_label: str
    blocks: bool  # publishing is refused; else it is a hint


def found(graph: Graph, workflow: Workflow, *, people: bool = True, problems: list[Problem] | None = None) -> list[Check]:
    """Everything found, what blocks first, each in the order of the drawing.

    Without `people` nobody is counted, so that it can be asked after every change. `problems` are the graph's, where they are known already.
    """
    one = _Checks(graph, workflow)
    checks = [
        *one.missing(graph.problems() if problems is None else problems),
        *one.mails(),
        *one.unreached(),
        *one.circles(),
        *one.ways(),
        *one.lists(),
        *one.goals(),
    ]
    if people:
        checks += one.consent()
    return sorted(checks, key=lambda check: not check.blocks)


def at(graph: Graph, path: str) -> str:
    """The id of the step or trigger that a path leads to, "settings", or "" for the whole."""
    if path.startswith("settings"):
        return "settings"
    for number, trigger in enumerate(graph.triggers):
        if path.startswith(f"triggers[{number}]"):
            return trigger.id
    places = [(graph.where(step.id), step.id) for step in graph.walk()]
    return max(((place, id) for place, id in places if path == place or path.startswith(f"{place}.")), key=lambda one: len(one[0]), default=("", ""))[1]


class _Checks:
    def __init__(self, graph: Graph, workflow: Workflow) -> None:
        self.graph, self.workflow = graph, workflow
        ids = {id for step in graph.walk() if (id := getattr(step, "email", None))}
        self.emails = {email.pk: email for email in Email.objects.filter(pk__in=ids)}

    def page(self, step: str) -> str:
        return f"/workflows/{self.workflow.pk}/?node={step}" if step else f"/workflows/{self.workflow.pk}/"

    def of(self, step: Step, message: str, *, blocks: bool = False, label: str = "", url: str = "") -> Check:
        return Check(self.graph.where(step.id), step.id, message, url or self.page(step.id), label or _("Open"), blocks)

    def edit(self, email: Email, step: Step) -> tuple[str, str]:
        return f"/emails/{email.pk}/?back=/workflows/{self.workflow.pk}/%3Fnode={step.id}", _("Edit e-mail")

    # What a person would not get past

    def missing(self, problems: list[Problem]) -> Iterator[Check]:
        """What graph.problems says, each with a button that leads to it: to the mail where that is what is wrong."""
        for problem in problems:
            id = at(self.graph, problem.path)
            step = self.graph.get(id)
            email = self.emails.get(getattr(step, "email", None) or 0)
            named = f"{step.heading()}: {problem.message}" if step else problem.message
            if step and email and email.archived_at is None and problem.path == join(self.graph.where(id), "email"):
                yield Check(problem.path, id, named, *self.edit(email, step), True)
            elif not id:
                add = f"{self.page('')}?add={'trigger' if problem.path == 'triggers' else 'root:0'}"
                yield Check(problem.path, id, named, add, _("Add"), True)
            else:
                yield Check(problem.path, id, named, self.page(id), _("Open"), True)

    def mails(self) -> Iterator[Check]:
        """A mail without a subject or a text."""
        for step in self.graph.walk():
            email = self.emails.get(getattr(step, "email", None) or 0)
            if email and email.archived_at is None and not (email.subject.strip() and email.body.strip()):
                url, label = self.edit(email, step)
                yield self.of(
                    step,
                    _("{step}: the e-mail “{email}” has no subject or no text.").format(step=step.heading(), email=email.name),
                    blocks=True,
                    url=url,
                    label=label,
                )

    def circles(self) -> Iterator[Check]:
        """Workflows that begin each other, with nobody ever waiting on the way; circles within one graph are its own problem (loops.py)."""
        for problem in circles.problems(self.workflow, self.graph):
            if (step := self.graph.get(at(self.graph, problem.path))) is not None:
                yield self.of(step, f"{step.heading()}: {problem.message}", blocks=True)

    # Hints

    def unreached(self) -> Iterator[Check]:
        """Steps that no way leads to; only the first of a row, since the others follow from it."""
        reached: set[str] = set()
        todo = [self.graph.first]
        while todo:
            if (id := todo.pop()) and id not in reached:
                reached.add(id)
                step = self.graph.get(id)
                todo += {self.graph.after(id, label) for label in (*(path.label for path in step.paths), "")[: len(step.paths) or 1]} if step else ()
        told: set[str] = set()
        for step in self.graph.walk():
            if step.id not in reached:
                inside = at(self.graph, self.graph.where(step.id).rpartition(".paths[")[0])
                before = self.graph.where(step.id).rpartition("[")
                earlier = at(self.graph, f"{before[0]}[{int(before[2][:-1]) - 1}]") if before[2] != "0]" else ""
                told.add(step.id)
                if inside not in told and earlier not in told:
                    yield self.of(step, _("{step}: nobody gets here.").format(step=step.heading()))

    def ways(self) -> Iterator[Check]:
        """Ways of a branch on which nothing happens."""
        for step in self.graph.walk():
            names = dict(step.ways())
            empty = [str(names.get(path.label, path.label)) for path in step.paths if not path.steps]
            if empty and len(step.paths) > 1:
                words = ngettext("{step}: nothing happens on the way {ways}.", "{step}: nothing happens on the ways {ways}.", len(empty))
                yield self.of(step, words.format(step=step.heading(), ways=", ".join(empty)))

    def lists(self) -> Iterator[Check]:
        """Lists of triggers that have no member yet."""
        for number, trigger in enumerate(self.graph.triggers):
            segment = Segment.objects.filter(pk=getattr(trigger, "segment", None) or 0, archived_at=None).first()
            if segment and not Membership.objects.filter(segment_id=segment.pk).exists():
                message = _("The list “{name}” has no members yet.").format(name=segment.name)
                yield Check(f"triggers[{number}].segment", trigger.id, message, f"/lists/{segment.pk}/", _("Open the list"), False)

    def goals(self) -> Iterator[Check]:
        if self.graph.steps and not self.graph.settings.goal and not any(step.ends == "goal" for step in self.graph.walk()):
            yield Check("settings.goal", "settings", _("No goal is set, so nobody sees whether it works."), self.page("settings"), _("Set a goal"), False)

    def consent(self) -> list[Check]:
        """Of those who would enter now: how many a marketing mail would not reach, by the gate that every mail passes."""
        checks: list[Check] = []
        people = enroll.who_fit(self.workflow, self.graph) if self.workflow.object_type == "contact" else None
        for step in self.graph.walk() if people else ():
            email = self.emails.get(getattr(step, "email", None) or 0)
            if not (people and step.marketing and email and email.purpose == "marketing"):
                continue
            told = gate.reasons(email.pk, Sql(f"SELECT DISTINCT contact_id FROM ({people.text}) who_fit", people.params))
            all_of_them = sum(told.values())
            without = sum(n for reason, n in told.items() if reason not in ("", *SILENT))
            if without:
                message = _("{step}: {n} of {total} who would enter may not get marketing mail; they are skipped.").format(
                    step=step.heading(), n=f"{without:,}", total=f"{all_of_them:,}"
                )
                checks.append(self.of(step, message, url=self.page("settings"), label=_("Narrow the audience")))
            break  # the same people reach the later mails at most
        return checks
