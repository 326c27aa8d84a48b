"""The sample company, loaded once for all tests of a file: what one of them writes is undone behind it."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """300 people and all that belongs to them, in a transaction around the tests' own."""
    from django.db import transaction

    from baton.demo import world

    with django_db_blocker.unblock(), transaction.atomic():
        assert not world.loaded()
        world.load(300)
        assert world.loaded()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def loaded(company: None, db: None) -> None:
    """The company is there."""
