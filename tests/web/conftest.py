"""Who looks at the pages in these tests."""

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.platform.actor import SYSTEM


@pytest.fixture
def oh(account: object) -> User:
    """오세린 (marketing)."""
    return users.create("oh@nuriwork.example", "오세린", "a-long-enough-one", "marketing", actor=SYSTEM)


@pytest.fixture
def web(oh: User) -> Client:
    """Her browser, in English."""
    web = Client(headers={"accept-language": "en"})
    web.force_login(oh)
    return web
