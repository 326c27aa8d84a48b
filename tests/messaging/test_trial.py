"""A mail that colleagues look at: the draft, marked, counted nowhere, and nobody can be unsubscribed by it."""

import pytest

from baton.accounts import users
from baton.accounts.models import User
from baton.messaging.mail import emails, trial
from baton.messaging.models import Email, EmailLink, Message
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay


@pytest.fixture
def colleague(db: None) -> User:
    return users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM)


def test_the_draft_goes_to_a_colleague_as_a_contact_would_get_it(relay: Relay, email: Email, colleague: User) -> None:
    contact = person(firstname="지우", lastname="서")
    email = emails.draft_save(email.pk, SYSTEM, email.revision, subject="{{ contact.firstname }} 님께")
    trial.deliver(email_id=email.pk, user_id=colleague.pk, contact_id=contact)
    ((receiver, content),) = relay.mails
    mail = parsed(content)
    assert receiver == mail["To"] == "oh@nuriwork.example"
    assert mail["Subject"] in ("[Test] (광고) 지우 님께", "[테스트] (광고) 지우 님께")
    assert mail["List-Unsubscribe"] is None
    assert not Message.objects.exists()
    assert not EmailLink.objects.exists()


def test_nobody_chosen_is_told(email: Email) -> None:
    with pytest.raises(Invalid) as told:
        trial.send(email, [], 0, SYSTEM)
    assert told.value.problems[0].path == "to"
