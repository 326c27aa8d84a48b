"""Every page asks the database the same number of questions with 60 and with 200 contacts, and more of everything else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import tokens, users
from baton.accounts.models import Account
from baton.automation import verbs as workflows
from baton.automation.models import Enrollment
from baton.crm import associations, records
from baton.crm.models import Contact
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms import submissions
from baton.forms import verbs as forms
from baton.forms.models import Form
from baton.messaging.mail import emails
from baton.messaging.models import Notification
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import scoring
from baton.segments import verbs as segments
from baton.segments.models import Membership, ScoreModel, Segment
from tests.segments import scores

pytestmark = pytest.mark.django_db
PAGES = [
    "/",
    "/contacts/",
    "/contacts/?f=stage:-;owner:-&q=김&sort=name",
    "/contacts/?columns=company,score,consent,last_seen,owner_id,email,city,created_at&f=!(stage:mql|(city:부산;company.city:서울))",
    "/companies/?columns=contacts,deals,industry,owner_id",
    "/deals/?layout=table",
    "/contacts/filter/",
    "/contacts/bulk/edit/",
    "/contacts/bulk/lists/",
    "/contacts/bulk/workflows/",
    "/contacts/new/",
    "/contacts/{contact}/",
    "/contacts/{contact}/news/",
    "/contacts/{contact}/properties/company/history/",
    "/palette/?q=김",
    "/notifications/",
    "/emails/",
    "/emails/{email}/",
    "/emails/{email}/preview/",
    "/scoring/?all",
    "/scoring/{score}/",
    "/scoring/{score}/axes/",
    "/scoring/{score}/criteria/",
    "/scoring/{score}/versions/",
    "/scoring/{score}/backtest/",
    "/scoring/{score}/backtest/report/",
    "/scoring/won/",
    "/scoring/won/pages/",
    "/scoring/won/products/",
    "/scoring/people/?q=김",
    "/scoring/forms/",
    "/contacts/{contact}/score/",
    "/workflows/",
    "/workflows/{workflow}/",
]
API = ["/crm/v3/objects/contacts?limit=50&associations=companies", "/crm/v3/objects/contacts?limit=50&propertiesWithHistory=company,email"]


@pytest.fixture
def model(account: Account) -> ScoreModel:
    model = scores.create("점수", mql=5, sql=25, actor=SYSTEM)
    for number in range(3):
        held = {"condition": "property", "property": "lastname", "operator": "any_of", "value": ["김", str(number)]}
        scores.define(model, f"r{number}", "fit_person", held, 5 + number, actor=SYSTEM)
    return model


def grow(start: int, end: int, user_id: int, model: ScoreModel, form: Form, segment: Segment) -> None:
    """Contacts from number `start` to `end`, each with a company, events, an answer, a list, a score and a workflow; and what goes with them."""
    for number in range(start, end, 25):
        emails.create(f"메일 {number}", SYSTEM)
        workflows.create(f"흐름 {number}", SYSTEM)
    workflow = workflows.create(f"흐름 끝 {end}", SYSTEM)
    now = clock.now()
    for number in range(start, end):
        given = {"lastname": "김", "firstname": f"하나{number}", "email": f"h{number}@people.example", "company": f"회사{number}"}
        contact = submissions.submit(form, given).contact_id
        firm = records.create("company", {"name": f"회사{number}"}, actor=SYSTEM, source="test")
        associations.link("contact", contact, "company", firm, actor=SYSTEM)
        record.add([NewEvent(contact, Kind.PAGE_VIEW, now - timedelta(hours=n), f"www.nuriwork.example/{number}/{n}") for n in range(2)])
        Membership.objects.create(contact_id=contact, segment_id=segment.pk, joined_at=now)
        Enrollment.objects.create(
            contact_id=contact, id=sql.next_ids("enrollment_id_seq", 1)[0], workflow_id=workflow.pk, version_id=0, cause="x", entered_at=now, enrolled_at=now
        )
        Notification.objects.create(user_id=user_id, cause=str(number), title="SQL", contact_id=contact, at=now)
    scoring.everyone(model)


def test_no_page_asks_once_for_each_row(account: Account, model: ScoreModel, held: None) -> None:
    oh = users.create("oh@nuriwork.example", "오세린", "a-long-enough-one", "admin", actor=SYSTEM)
    fields = [{"name": n, "label": n, "type": t} for n, t in (("email", "email"), ("lastname", "text"), ("firstname", "text"), ("company", "text"))]
    form = forms.create("상담", {"fields": fields}, actor=SYSTEM, publish=True)
    segment = segments.create_segment("손으로", {}, "fixed", SYSTEM)
    web = Client(headers={"accept-language": "ko"})
    web.force_login(oh)
    program = Client(headers={"authorization": f"Bearer {tokens.create('t', ['*'], limited=False, actor=SYSTEM)}"})

    def ask(expected: dict[str, int]) -> dict[str, int]:
        ids: dict[str, int | str] = {"contact": Contact.objects.order_by("id")[0].id, "email": 0, "workflow": 0}
        ids["email"] = sql.rows("SELECT min(id) FROM email")[0][0]
        ids["workflow"] = sql.rows("SELECT min(id) FROM workflow")[0][0]
        ids["score"] = model.key
        counts = {}
        for client, addresses in ((web, PAGES), (program, API)):
            for page in addresses:
                runs: list[int] = []
                while len(runs) < 3 and (not runs or runs[-1] != expected.get(page)):  # the least: some answers are kept for a second
                    with CaptureQueriesContext(connection) as asked:
                        assert client.get(page.format(**ids)).status_code == 200, page
                    runs.append(len(asked))
                counts[page] = min(runs)
        return counts

    grow(0, 60, oh.pk, model, form, segment)  # more than a page, so that both times the page is full
    few = ask({})
    grow(60, 200, oh.pk, model, form, segment)
    many = ask(few)
    assert many == few
    assert few.pop("/contacts/{contact}/") <= 52, "a record's page has a dozen parts, each asked once"
    assert max(few.values()) <= 30, few
