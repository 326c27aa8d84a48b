"""People, a mail and a workflow to walk through."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts.models import Account, Role, User
from baton.automation import runner, verbs
from baton.automation.models import Workflow
from baton.crm import consent, records
from baton.messaging.models import Email
from baton.platform import changes
from baton.platform.actor import SYSTEM


def contact(email: str = "jiwoo@gaon.example", **properties: Any) -> int:
    contact_id = records.create("contact", {"email": email, **properties}, actor=SYSTEM, source="test")
    consent.set([contact_id], "email", True, actor=SYSTEM, source="test")
    return contact_id


def drain() -> None:
    """The tick and the runner, until nothing is left to do now."""
    while changes.tick() + runner.run_due():
        pass


@pytest.fixture
def email(account: Account) -> Email:
    return Email.objects.create(name="서비스 소개", subject="안녕하세요", body="<p>{{ contact.firstname|default('고객') }} 님</p>")


@pytest.fixture
def sales(account: Account) -> list[int]:
    """Two colleagues in sales; a third, in marketing, is not among them."""
    User.objects.create_user("oh@nuriwork.example", name="오세린", role=Role.MARKETING)
    return [User.objects.create_user(f"{name}@nuriwork.example", name=name, role=Role.SALES).pk for name in ("han", "yoon")]


@pytest.fixture
def live(account: Account) -> Callable[..., Workflow]:
    """A published workflow with these steps; nobody enters but by hand unless a trigger is given."""

    def make(*steps: dict[str, Any], trigger: dict[str, Any] | None = None, triggers: list[dict[str, Any]] | None = None, **settings: Any) -> Workflow:
        workflow = verbs.create(
            "후속", SYSTEM, {"triggers": triggers or [trigger or {"type": "form_submitted", "form": None}], "settings": settings, "steps": list(steps)}
        )
        verbs.publish(workflow, SYSTEM)
        return workflow

    return make
