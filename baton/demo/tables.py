"""People, what they did, and links between records, as rows of the tables."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from baton.automation.models import Workflow
from baton.demo import content
from baton.demo.book import Event, Walk
from baton.demo.copying import as_json, copy, copy_in_pieces, words
from baton.demo.pages import FORM_PAGES, TITLES
from baton.demo.people import Company, Person
from baton.demo.sample import Row, Sample
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.models import BUCKETS

ANALYZED = (
    "contact", "record", "association", "event", "event_key", "membership", "consent", "suppression", "score", "message", "enrollment", "step_run",
    "visitor", "identity",
)  # fmt: skip


def everything(sample: Sample) -> None:
    """Who there is and all that the book says they did."""
    _people(sample)
    _visits(sample)
    _mails(sample)
    walks(sample.setting.inquiry, sample.book.walks)
    events(sample.book.events)


def _people(sample: Sample) -> None:
    """Companies and contacts with their addresses, employers and consents."""
    book, past = sample.book, sample.people[0].origin
    copy_in_pieces(
        "record",
        ("id", "object_type", "properties", "created_at", "created_by", "source", "updated_at", "search"),
        ((c.id, "company", as_json(_company(c)), c.created, past, "import", c.created, words("company", _company(c))) for c in sample.companies),
    )
    copy_in_pieces(
        "contact",
        ("id", "email", "properties", "created_at", "created_by", "source", "updated_at", "search"),
        ((p.id, p.email, as_json(_contact(p)), p.created, *_origin(p), max(p.created, p.seen), words("contact", _contact(p))) for p in sample.people),
    )
    copy("identity", ("value", "kind", "contact_id", "shared", "created_at"), ((p.email, "email", p.id, False, p.created) for p in sample.people))
    copy("identity", ("value", "kind", "contact_id", "shared", "created_at"), ((value, "cookie", id, False, at) for value, id, at in book.cookies))
    link((p.id, "contact", p.company.id, "company", label, p.created) for p in sample.people for label in ("", "primary"))
    copy(
        "consent",
        ("contact_id", "channel", "granted", "at", "source", "wording", "actor"),
        ((*row, "visitor" if row[4].startswith(("form", "unsub")) else row[4]) for row in book.consents),
    )
    copy("suppression", ("contact_id", "channel", "reason", "at"), ((id, "email", "unsubscribed", at) for id, at in book.unsubscribed))
    copy(
        "membership",
        ("contact_id", "segment_id", "joined_at", "reason"),
        ((id, sample.setting.attended.pk, at, str(sample.setting.actor)) for id, at in book.attended),
    )


def _visits(sample: Sample) -> None:
    """Who looked at the website, and what they sent there."""
    book = sample.book
    copy("visitor", ("contact_id", "first_seen_at", "last_seen_at", "first_page", "first_referrer", "user_agent"), book.visitors)
    copy(
        "form_submission",
        ("contact_id", "id", "form_id", "version", "split_id", "values", "page_url", "page_title", "at"),
        (
            (s.contact_id, s.id, sample.setting.forms[s.form], s.version, s.split, as_json(s.values), s.page, TITLES[FORM_PAGES[s.form]], s.at)
            for s in book.submissions
        ),
    )


def _mails(sample: Sample) -> None:
    """What was sent to whom, or not."""
    address = {p.id: p.email for p in sample.people}
    copy(
        "message",
        (
            "contact_id",
            "id",
            "cause",
            "channel",
            "email_id",
            "version",
            "campaign_id",
            "variant",
            "address",
            "subject",
            "state",
            "reason",
            "attempts",
            "created_at",
            "sent_at",
        ),
        (
            (
                m.contact_id,
                m.id,
                m.cause,
                "email",
                sample.setting.emails[m.email],
                1,
                m.campaign,
                m.variant,
                address[m.contact_id],
                content.EMAILS[m.email][0],
                m.state,
                m.reason,
                1,
                m.at,
                m.at if m.state == "sent" else None,
            )
            for m in sample.book.messages
        ),
    )


COUNTS = """
INSERT INTO workflow_tally (workflow_id, step, outcome, n)
SELECT workflow_id, step, outcome, count(*) FROM step_run WHERE workflow_id = %(id)s GROUP BY workflow_id, step, outcome
UNION ALL SELECT workflow_id, '', state, count(*) FROM enrollment WHERE workflow_id = %(id)s GROUP BY workflow_id, state
UNION ALL SELECT workflow_id, trigger, 'enrolled', count(*) FROM enrollment WHERE workflow_id = %(id)s GROUP BY workflow_id, trigger
"""


def walks(workflow: Workflow, rows: Sequence[Walk]) -> None:
    """Ways through a workflow, and the counts of them; who still waits goes on when his time has come."""
    copy(
        "enrollment",
        ("contact_id", "id", "workflow_id", "version_id", "cause", "trigger", "policy", "state", "step", "entered_at", "enrolled_at", "finished_at"),
        ((w.contact_id, w.id, workflow.pk, workflow.published_id, w.cause, "t", "every_time", w.state, w.step, w.entered, w.at, w.finished) for w in rows),
    )
    copy(
        "step_run",
        ("contact_id", "enrollment_id", "step", "workflow_id", "outcome", "detail", "at", "done_at"),
        ((w.contact_id, w.id, step, workflow.pk, outcome, as_json(detail), at, done) for w in rows for step, outcome, detail, at, done in w.steps),
    )
    copy(
        "timer",
        ("bucket", "enrollment_id", "contact_id", "due_at", "workflow_id"),
        ((w.contact_id % BUCKETS, w.id, w.contact_id, w.due, workflow.pk) for w in rows if w.due),
    )
    sql.run(COUNTS, {"id": workflow.pk})


def link(rows: Iterable[tuple[int, str, int, str, str, datetime]]) -> None:
    """Links, written in both directions: (one, its type, other, its type, label, when)."""
    rows = list(rows)
    both = [*rows, *((to, to_type, id, from_type, label, at) for id, from_type, to, to_type, label, at in rows)]
    copy("association", ("from_id", "from_type", "to_id", "to_type", "label", "created_at"), both)


def events(made: Sequence[Event]) -> None:
    """Events, with the names of what they are about."""
    wanted: dict[tuple[Kind, str], str] = {}
    for event in made:
        if event.key:
            wanted.setdefault(event.ref, event.label)
    found = keys.resolve(wanted)
    rows = ((e.contact_id, e.ts, e.id, int(e.kind), found[e.ref] if e.key else 0, e.value, as_json(e.payload)) for e in made)
    copy("event", ("contact_id", "ts", "id", "kind", "key", "value", "payload"), rows)


def records(rows: Sequence[Row]) -> None:
    """Records other than contacts and companies, with their links; the company of a deal or ticket is its primary one."""
    copy_in_pieces(
        "record",
        ("id", "object_type", "properties", "owner_id", "created_at", "created_by", "source", "updated_at", "search"),
        (
            (r.id, r.kind, as_json(r.properties), r.properties.get("owner_id"), r.at, r.by, r.source, r.changed or r.at, words(r.kind, r.properties))
            for r in rows
        ),
    )
    link(
        (r.id, r.kind, id, kind, label, r.at)
        for r in rows
        for kind, id in r.links
        for label in (("", "primary") if kind == "company" and r.kind in ("deal", "ticket") else ("",))
    )


def history(rows: Sequence[tuple[int, str, str, Any, Any, str, str, datetime]]) -> None:
    """Changes of values: (record, its type, property, before, after, who, source, when)."""
    ids = sql.next_ids("property_history_id_seq", len(rows))
    copy(
        "property_history",
        ("record_id", "id", "object_type", "name", "old", "new", "actor", "source", "at"),
        (
            (id, number, kind, name, None if old is None else as_json(old), as_json(new), *rest)
            for number, (id, kind, name, old, new, *rest) in zip(ids, rows, strict=True)
        ),
    )


def analyze() -> None:
    """Tell the planner how much there is."""
    for table in ANALYZED:
        sql.run(f"ANALYZE {table}")


def _company(company: Company) -> dict[str, Any]:
    known = {
        "name": company.name,
        "domain": company.domain,
        "industry": company.industry,
        "numberofemployees": company.employees,
        "annualrevenue": company.revenue,
        "city": company.city,
        "website": f"https://www.{company.domain}" if company.number and company.domain else "",
        "phone": company.phone,
        "business_number": company.number,
    }
    return {name: value for name, value in known.items() if value != ""}


def _contact(person: Person) -> dict[str, Any]:
    values: dict[str, Any] = {
        "email": person.email,
        "lastname": person.family,
        "firstname": person.given,
        "phone": person.phone,
        "jobtitle": person.title,
        "seniority": person.rank,
        "company": person.company.name,
        "industry": person.company.industry,
        "city": person.company.city,
        "lead_source": person.source,
        "budget": person.budget,
        **person.more,
    }
    values |= {name: True for name in ("competitor", "student") if person.hits.get(name)}
    return {name: value for name, value in values.items() if value != ""}


def _origin(person: Person) -> tuple[str, str]:
    """Who made the contact, and how it came."""
    return ("visitor", "form") if person.hits.get("demo") else (person.origin, "import")
