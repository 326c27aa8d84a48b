"""Fixtures for everybody: a real PostgreSQL, the account, an actor. The browser's are in tests/browser/conftest.py."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from baton.platform.actor import Actor

if TYPE_CHECKING:
    from baton.accounts.models import Account


# Folders whose files take long, slowest first: whoever is given files to run is given these first, so that nobody waits for one of them at the end.
LONG = ("journeys", "cli", "browser", "query", "clients", "web", "accounts")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of files by LONG; within a folder it stays by chance."""
    ranks = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path.relative_to(item.config.rootpath / "tests").parts[0], len(LONG)))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database with what `baton migrate` does after the migrations, and partitions for two years back.

    pytest-django's own makes it only when a collected test is marked; some of ours open it themselves.
    """
    from django.test.utils import setup_databases, teardown_databases

    from baton.events import partitions
    from baton.platform import clock
    from tests import builtin

    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
        builtin.ensure()
        partitions.ensure(clock.now() - timedelta(days=800), clock.now() + timedelta(days=60))
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Passwords of tests are hashed at once; the real way takes a third of a second on purpose. (Servers under test are processes of their own and keep it.)"""
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """What goes wrong on purpose is logged as a process logs it: drawing frames and variables takes longer than most tests."""
    import structlog

    *before, _drawn = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])


@pytest.fixture(scope="session", autouse=True)
def _static_files_once() -> Iterator[None]:
    """Each client of a test builds the middleware anew; the static files are looked for once, which takes longer than most tests."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    found: dict[str, Any] = {}

    def once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files = found

    look, WhiteNoiseMiddleware.add_files_from_finders = WhiteNoiseMiddleware.add_files_from_finders, once
    yield
    WhiteNoiseMiddleware.add_files_from_finders = look


@pytest.fixture(scope="session", autouse=True)
def _tables_emptied_at_once() -> Iterator[None]:
    """Behind a test with real transactions."""
    from django.test import TransactionTestCase

    from tests import builtin

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: builtin.empty())
        yield


@pytest.fixture(autouse=True)
def _builtin(request: pytest.FixtureRequest) -> None:
    """A test with real transactions empties all tables behind it: put the built-in properties back for the next one."""
    if not request.node.get_closest_marker("django_db") and not {"db", "transactional_db"} & set(request.fixturenames):
        return
    request.getfixturevalue("_django_db_helper")
    from tests import builtin

    builtin.ensure()


@pytest.fixture(autouse=True)
def _language() -> None:
    """The account's language, whatever the test before has left."""
    from django.conf import settings
    from django.utils import translation

    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for a moment (types, properties, users) does not go stale while statements are counted, however slow the machine is."""
    from baton.crm import life, properties, types, values

    for module in (life, properties, types, values):
        monkeypatch.setattr(module, "FRESH", 3600.0)


@pytest.fixture
def actor() -> Actor:
    return Actor("user", 1)


@pytest.fixture
def account(db: None) -> "Account":
    from baton.accounts.models import Account

    return Account.objects.create(name="누리워크", postal_address="서울특별시 중구 세종대로 1", phone="02-1234-5678", contact_email="hello@nuriwork.example")


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """A test that moves the clock does not move it for the next one."""
    from baton.platform import clock

    yield
    clock.shift(timedelta())
