"""What the texts of steps may read in merge fields: the contact or record, what earlier steps kept, and the run itself.

{{ contact.firstname }} {{ owner.name }} {{ account.name }}     as in mails
{{ company.name }}                                              the main company
{{ deal.dealname }}                                             the record, in a workflow of records; `contact` is its first contact then
{{ steps.s3.plan }} {{ trigger.source }}                        what the step s3 kept, what the trigger brought
{{ run.started }} {{ run.workflow }} {{ run.trigger }}          since when, in which workflow, by which trigger
"""

import json
from collections.abc import Mapping
from typing import Any

from baton.accounts import users
from baton.accounts.models import User
from baton.automation.models import Workflow
from baton.automation.step import Batch
from baton.crm import associations, records
from baton.messaging.mail import render
from baton.messaging.mail.sandbox import Fields
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

Known = dict[int, dict[str, Any]]


def lines(source: str, batch: Batch) -> dict[int, str]:
    """A short text with merge fields for each of the batch, by contact (or record) id. Raises Invalid."""
    known = people(batch, source)
    return {id: render.line(source, known[id]) for id in batch.contact_ids}


def people(batch: Batch, *sources: str) -> Known:
    """What merge fields may read, by contact (or record) id, in a few statements; what none of the texts mentions is not looked up."""
    asked = " ".join(sources)
    if "{" not in asked:
        return {id: {} for id in batch.contact_ids}
    known = render.people(batch.contact_ids) if batch.object_type == "contact" else _records(batch, asked)
    if batch.object_type in ("contact", "ticket", "deal") and "company." in asked:
        for id, company in _companies(batch.contact_ids).items():
            known.setdefault(id, {})["company"] = company
    runs = _runs(batch)
    return {id: {**known.get(id, {}), **runs.get(id, {})} for id in batch.contact_ids}


def kept(batch: Batch, step: str) -> dict[int, dict[str, Any]]:
    """What an earlier step, or the trigger, left for each run of the batch, by enrollment."""
    return {id: found for id, _contact, data, *_more in _rows(batch) if isinstance(found := _read(data).get(step), dict)}


def check(path: str, source: str) -> list[Problem]:
    """The faults of the merge fields in one text."""
    try:
        render.check(subject=source, body="")
    except Invalid as error:
        return [Problem(path, p.code, p.message) for p in error.problems]
    return []


def _rows(batch: Batch) -> list[tuple[Any, ...]]:
    return sql.rows(
        "SELECT id, contact_id, data, trigger, enrolled_at FROM enrollment WHERE contact_id = ANY(%s) AND id = ANY(%s)",
        [batch.contact_ids, [one.enrollment_id for one in batch.standing]],
    )


def _runs(batch: Batch) -> Known:
    """The run and what its steps kept."""
    name = Workflow.objects.filter(pk=batch.workflow_id).values_list("name", flat=True).first() or ""
    found: Known = {}
    for _id, contact_id, stored, trigger, enrolled_at in _rows(batch):
        data = _read(stored)
        said = {key: Fields(values) for key, values in data.items() if isinstance(values, dict)}
        started = enrolled_at.astimezone(config().zone)
        found[contact_id] = {
            "steps": Fields(said),
            "trigger": said.get(trigger or "t", Fields({})),
            "run": Fields({"workflow": name, "trigger": trigger, "started": started.date().isoformat(), "time": started.strftime("%H:%M")}),
        }
    return found


def _records(batch: Batch, asked: str) -> Known:
    """A deal or the like under the name of its type and as `record`, with its owner and its first contact."""
    rows = records.many(batch.object_type, batch.contact_ids)
    owners = {u.pk: Fields({"name": u.name, "email": u.email}) for u in User.objects.filter(pk__in={r.owner_id for r in rows.values() if r.owner_id})}
    account = users.account()
    first: dict[int, int] = {}
    if "contact." in asked:
        first = {id: linked[0][0] for id, linked in associations.linked(batch.contact_ids, "contact").items()}
    contacts = render.people(sorted(set(first.values()))) if first else {}
    nobody = Fields({})
    found: Known = {}
    for id, row in rows.items():
        own = Fields({**row.properties, "id": id})
        found[id] = {
            batch.object_type: own,
            "record": own,
            "owner": owners.get(row.owner_id or 0, nobody),
            "contact": contacts.get(first.get(id, 0), {}).get("contact", nobody),
            "account": Fields({"name": account.name, "address": account.postal_address}),
        }
    return found


def _companies(ids: list[int]) -> Mapping[int, Fields]:
    main = {id: linked[0][0] for id, linked in associations.linked(ids, "company").items()}
    rows = records.many("company", set(main.values())) if main else {}
    return {id: Fields({**rows[company].properties, "id": company}) for id, company in main.items() if company in rows}


def _read(stored: Any) -> dict[str, Any]:
    """Raw cursors of Django hand out jsonb as text."""
    found = json.loads(stored) if isinstance(stored, str) else stored
    return found if isinstance(found, dict) else {}
