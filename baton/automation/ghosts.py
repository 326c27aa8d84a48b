"""Made-up contacts for rehearsals: who they are, and what they do on which day. Facts are written as real ones are, so the engine sees no difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import enroll
from baton.automation.models import Workflow
from baton.crm import consent, records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.events.wire import page_key
from baton.forms.models import Form, FormSubmission
from baton.messaging.consent import suppression
from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid, Problem
from baton.segments import verbs as lists

SOURCE = "rehearsal"
MOST, MOST_FACTS = 200, 1000  # ghosts of one rehearsal; facts of all of them


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happens to a ghost. `kind` is a key of KINDS; `value` and `more` are what it is about."""

    at: datetime
    kind: str
    value: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ghost:
    """Somebody who does not exist."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    consent: bool | None = True  # to marketing mails; None: never asked
    facts: Sequence[Fact] = ()


def appear(ghost: Ghost, object_type: str = "contact") -> int:
    """Make the contact (or record); returns the id. Raises Invalid (`properties.<name>`) for what no such record could have."""
    id = records.create(object_type, dict(ghost.properties), actor=SYSTEM, source=SOURCE)
    if object_type == "contact" and ghost.consent is not None:
        consent.set([id], "email", ghost.consent, actor=SYSTEM, source=SOURCE)
    return id


def happen(workflow: Workflow, object_type: str, id: int, fact: Fact) -> None:
    """Let it happen now. Raises DomainError when it cannot: no such form, list, property."""
    if object_type != "contact" and fact.kind not in ("property", "enroll"):
        raise Invalid.one("facts", "INVALID_OPTION", _("Only contacts can do this: {kind}").format(kind=fact.kind))
    if fact.kind == "property":
        records.update(object_type, id, dict(fact.value), actor=SYSTEM, source=SOURCE)
    elif fact.kind == "enroll":
        enroll.enter(workflow, {id: f"ghost:{fact.at.isoformat()}"}, actor=SYSTEM)
    else:
        KINDS[fact.kind](id, fact)


def _form(id: int, fact: Fact) -> None:
    form = Form.objects.filter(pk=int(fact.value)).first()
    if form is None:
        raise Invalid.one("form", "NOT_FOUND", _("There is no form {id}.").format(id=fact.value))
    [number] = sql.next_ids("form_submission_id_seq", 1)
    now, values = clock.now(), dict(fact.more.get("values") or {})
    FormSubmission.objects.create(contact_id=id, id=number, form_id=form.pk, values=values, at=now)
    _event(id, Kind.FORM_SUBMISSION, str(form.pk), form.name, {"submission": number})


def _page(id: int, fact: Fact) -> None:
    address = str(fact.value)
    address = address if "://" in address else f"https://example.com/{address.lstrip('/')}" if address.startswith("/") else f"https://{address}"
    _event(id, Kind.PAGE_VIEW, page_key(address), "", {"url": address})


def _own(id: int, fact: Fact) -> None:
    values = {name: str(value) for name, value in (fact.more.get("properties") or {}).items()}
    _event(id, Kind.CUSTOM_EVENT, str(fact.value), "", {"properties": values})


def _mail(kind: Kind) -> Callable[[int, Fact], None]:
    """Opens and clicks belong to the last message of this mail that was sent; nobody opens what he never got."""

    def told(id: int, fact: Fact) -> None:
        found = sql.rows("SELECT max(id) FROM message WHERE contact_id = %s AND email_id = %s AND state = 'sent'", [id, int(fact.value)])[0][0]
        if found is not None:
            name = Email.objects.filter(pk=int(fact.value)).values_list("name", flat=True).first() or ""
            _event(id, kind, str(fact.value), name, {"message": found, **({"url": str(fact.more["url"])} if fact.more.get("url") else {})})

    return told


def _event(id: int, kind: Kind, about: str, label: str, payload: dict[str, Any]) -> None:
    record.add([record.NewEvent(id, kind, clock.now(), key_value=about, key_label=label, payload=payload)])


def _unsubscribe(id: int, fact: Fact) -> None:
    suppression.unsubscribe(id, int(fact.value or 0))


KINDS: dict[str, Callable[[int, Fact], Any]] = {
    "form": _form,
    "page": _page,
    "event": _own,
    "opened": _mail(Kind.EMAIL_OPEN),
    "clicked": _mail(Kind.EMAIL_CLICK),
    "joined": lambda id, fact: lists.add(int(fact.value), [id], SYSTEM),
    "left": lambda id, fact: lists.remove(int(fact.value), [id], SYSTEM),
    "consent": lambda id, fact: consent.set([id], "email", bool(fact.value), actor=SYSTEM, source=SOURCE),
    "unsubscribed": _unsubscribe,
    "property": lambda id, fact: None,  # needs the type of the record: see happen()
    "enroll": lambda id, fact: None,
}


def check(ghosts: Sequence[Ghost]) -> None:
    """Raises Invalid when there are too many of them, two of one name, or facts of an unknown kind."""
    problems = []
    if len(ghosts) > MOST or sum(len(g.facts) for g in ghosts) > MOST_FACTS:
        problems.append(Problem("contacts", "TOO_MANY", _("At most {people} made-up contacts and {facts} facts.").format(people=MOST, facts=MOST_FACTS)))
    if len({g.name for g in ghosts}) < len(ghosts):
        problems.append(Problem("contacts", "DUPLICATE", _("Two made-up contacts have the same name.")))
    for ghost in ghosts:
        problems += [
            Problem(f"contacts.{ghost.name}.facts", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(KINDS)))
            for fact in ghost.facts
            if fact.kind not in KINDS
        ]
    if problems:
        raise Invalid(problems)
