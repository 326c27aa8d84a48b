"""The collector for tests. It commits on a connection of its own, so what it wrote is deleted after each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from baton.collector import buffer
from tests.collector.running import Running

WRITTEN = ("event", "event_key", "identity", "visitor", "change", "contact", "property_history", "message", "email_link", "email")


@pytest.fixture
def collector(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    from baton.platform import sql
    from tests import builtin

    monkeypatch.setattr(buffer, "PAUSE", 0.1)
    with django_db_blocker.unblock():
        builtin.ensure()
        running = Running(tmp_path)
        try:
            yield running
        finally:
            running.close()
            for table in WRITTEN:
                sql.run(f"DELETE FROM {table}")
