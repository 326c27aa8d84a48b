"""New records that steps make: tasks, notes, deals, tickets. In sets, each linked to whom it is about, with merge fields in its texts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.accounts.models import User
from baton.automation import whom, words
from baton.automation.field import Input
from baton.automation.step import Batch, Standing
from baton.crm import associations, pipelines, properties, records, types
from baton.crm.associations import Link
from baton.messaging.mail import render
from baton.platform import sql
from baton.platform.errors import DomainError, Invalid, Problem

OWNERS = (("owner", _("The owner of who walks here")), ("user", _("A user")), ("none", _("Nobody")))
Whose = Annotated[Literal["owner", "user", "none"], Input("choice", _("Owner"), options=OWNERS)]
Other = Annotated[int | None, Input("user", _("User"), shown_when=("whose", "user"))]


def owners(batch: Batch, whose: str, user: int | None) -> dict[int, int | None]:
    """Who is to own what is made, by contact (or record); who cannot sign in any more owns nothing new."""
    if whose == "none":
        return dict.fromkeys(batch.contact_ids)
    if whose == "user":
        found = dict.fromkeys(batch.contact_ids, user)
    else:
        table = "contact" if batch.object_type == "contact" else "record"
        rows = dict(sql.rows(f"SELECT id, owner_id FROM {table} WHERE id = ANY(%s)", [batch.contact_ids]))
        found = {id: rows.get(id) for id in batch.contact_ids}
    here = set(User.objects.filter(pk__in={o for o in found.values() if o}, is_active=True).values_list("pk", flat=True))
    return {id: owner if owner in here else None for id, owner in found.items()}


def make(batch: Batch, object_type: str, wanted: Mapping[int, Mapping[str, Any]]) -> None:
    """A record for each of the batch that has values (by enrollment), linked to who walks and, of a deal or ticket, to his main company and contacts.

    What cannot be made is skipped with the reason; the log has the new record's id.
    """
    making = [one for one in batch.standing if one.enrollment_id in wanted]
    outcomes = records.create_many(object_type, [wanted[one.enrollment_id] for one in making], actor=batch.actor, source="workflow")
    made: list[tuple[Standing, int]] = []
    for one, outcome in zip(making, outcomes, strict=True):
        if isinstance(outcome, DomainError):
            batch.skip(one, whom.said([outcome]))
        else:
            made.append((one, outcome))
            batch.note(one, made=outcome)
    associations.link_many(_links(batch, object_type, made), actor=batch.actor)


def _links(batch: Batch, object_type: str, made: Sequence[tuple[Standing, int]]) -> list[Link]:
    found = [Link(object_type, id, batch.object_type, one.contact_id) for one, id in made]
    if not made or types.get(object_type).activity:
        return found
    for other in ("company", "contact"):
        if other == batch.object_type or batch.object_type == "company":  # all people of a company are not all people of its new deal
            continue
        linked = whom.targets(batch, other)
        found += [Link(object_type, id, other, to) for one, id in made for to in linked[one.enrollment_id]]
    return found


def of_pipeline(batch: Batch, object_type: str, title: str, pipeline: str, stage: str, more: Mapping[str, str], owner_of: Mapping[int, int | None]) -> None:
    """A deal or a ticket for each of the batch. `more` has further values by property, as texts with merge fields; an empty one is left out."""
    known = words.people(batch, title, *more.values())
    kind = types.get(object_type)
    wanted: dict[int, dict[str, Any]] = {}
    for one in batch.standing:
        mine = known[one.contact_id]
        name = render.line(title, mine)
        if not name:
            batch.skip(one, gettext("A title is required."))
            continue
        values = {key: render.value(source, mine) for key, source in more.items()}
        placed = {"pipeline": pipeline or None, kind.stage_property: stage or None}
        wanted[one.enrollment_id] = {
            **{key: value for key, value in {**values, **placed, "owner_id": owner_of[one.contact_id]}.items() if value is not None},
            kind.primary_property: name,
        }
    make(batch, object_type, wanted)


def problems_of_pipeline(object_type: str, title: str, pipeline: str, stage: str, more: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the texts and the place of a deal or a ticket."""
    found = words.check("title", title)
    ways = {p.key: [s.key for s in stages] for p, stages in ((p, p.stages_in_order) for p in pipelines.pipelines(object_type))}  # type: ignore[attr-defined]
    if pipeline and pipeline not in ways:
        found.append(Problem("pipeline", "NOT_FOUND", gettext("This pipeline does not exist any more.")))
    elif stage and stage not in (ways[pipeline] if pipeline else next(iter(ways.values()), [])):
        found.append(Problem("stage", "NOT_FOUND", gettext("This stage does not exist in the pipeline any more.")))
    known = properties.definitions(object_type)
    for name, source in more.items():
        if name not in known or known[name].read_only:
            found.append(Problem(f"values.{name}", "PROPERTY_DOESNT_EXIST", gettext("There is no property {name}.").format(name=name)))
            continue
        found += words.check(f"values.{name}", source)
        if "{{" not in source:
            try:
                properties.clean(object_type, {name: source})
            except Invalid as error:
                found += [Problem(f"values.{name}", p.code, p.message) for p in error.problems]
    return found


def problems_of_owner(whose: str, user: int | None) -> list[Problem]:
    if whose == "user" and not User.objects.filter(pk=user or 0, is_active=True).exists():
        return [Problem("user", "NOT_FOUND", gettext("This user does not exist any more."))]
    return []


def place(object_type: str, pipeline: str, stage: str) -> str:
    """The pipeline and the stage in words."""
    for row in pipelines.pipelines(object_type):
        if row.key == pipeline or not pipeline:
            named = next((s for s in row.stages_in_order if s.key == stage), None)  # type: ignore[attr-defined]
            return f"{pipelines.label(row)} · {pipelines.label(named)}" if named else pipelines.label(row)
    return ""
