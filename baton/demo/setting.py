"""Who works at the sample company, and what they have set up: all that people refer to in what they do."""

from dataclasses import dataclass, field
from typing import Any

from baton.accounts import users
from baton.accounts.models import Team
from baton.automation import verbs as workflows
from baton.automation.models import Workflow
from baton.crm import employers
from baton.demo import content, definitions, people, scores, trials
from baton.demo.book import Ids
from baton.demo.content import PASSWORD, STAFF
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.segments.models import ScoreModel, ScoreRule, Segment

SALES = [name for name, (_, role, _team) in STAFF.items() if role == "sales"]


@dataclass(slots=True)
class Setting:
    """Colleagues, forms, mails and lists by their names in content.py and definitions.py. `actor` is who has set it all up."""

    actor: Actor
    users: dict[str, int]
    forms: dict[str, int]
    emails: dict[str, int]
    campaigns: dict[str, int]
    attended: Segment
    model: ScoreModel
    companies: ScoreModel  # the score of companies
    lists: dict[str, Segment]
    inquiry: Workflow
    handover: Workflow
    trials: dict[str, trials.Trial]  # running tests of two versions, by form
    rules: dict[int, ScoreRule] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = {rule.pk: rule for rule in self.model.rules.all()}

    @property
    def ids(self) -> Ids:
        """What a book refers to."""
        return Ids(
            forms=self.forms,
            form_names={key: about["name"] for key, about in content.FORMS.items()},
            emails=self.emails,
            email_names={key: about[0] for key, about in content.EMAILS.items()},
            users=self.users,
            campaigns=self.campaigns,
            workflow=self.inquiry.pk,
            workflow_name=self.inquiry.name,
        )


def make() -> Setting:
    """Set everything up in an empty database."""
    staff = _staff()
    actor = Actor("user", staff["오세린"])
    forms = definitions.make_forms(actor)
    emails = definitions.make_emails(actor, config().url)
    # The pages and files that rules speak of must be known before a rule about them is made.
    attended = definitions.make_attended(actor)
    scores.tag(forms)
    model = scores.make_lead(actor, staff, scores.rules(forms, attended.pk), clock.now())
    companies = scores.make_company(actor)
    definitions.make_stages(actor)
    lists = definitions.make_lists(actor, forms)
    inquiry = _workflow("상담 문의 후속", definitions.inquiry(forms, emails), actor)
    handover = _workflow("SQL 영업 인계", definitions.handover(lists["sql"].pk, [staff[name] for name in SALES]), actor)
    campaigns = definitions.make_campaigns(emails, lists, actor, config().url)
    return Setting(actor, staff, forms, emails, campaigns, attended, model, companies, lists, inquiry, handover, trials.begin(forms, actor, clock.now()))


def _staff() -> dict[str, int]:
    users.update_account(
        actor=SYSTEM,
        name="누리워크",
        sending_domain="nuriwork.example",
        postal_address="서울특별시 성동구 견본로 12, 4층",
        phone="02-555-0142",
        contact_email="hello@nuriwork.example",
    )
    employers.choose("create", [people.FREE_MAIL], actor=SYSTEM)
    for team in ("마케팅", "영업"):
        Team.objects.get_or_create(name=team)
    return {name: users.create(email, name, PASSWORD, role, actor=SYSTEM, team=team).pk for name, (email, role, team) in STAFF.items()}


def _workflow(name: str, graph: dict[str, Any], actor: Actor) -> Workflow:
    workflow = workflows.create(name, actor=actor)
    workflows.save_draft(workflow, graph, actor=actor)
    workflows.publish(workflow, actor=actor)
    workflow.refresh_from_db()
    return workflow
