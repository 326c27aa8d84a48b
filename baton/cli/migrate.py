"""Brings the database to this version: tables, partitions, built-in properties, indexes. Safe to run at any time."""

from datetime import timedelta

from django.core.management import call_command
from django.db import transaction

from baton.crm import builtin, indexes
from baton.events import builtin as own_events
from baton.events import partitions
from baton.platform import clock, sql

LOCK = 0xBA71  # one process migrates at a time


def migrate(*, quiet: bool = False) -> None:
    sql.run("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        call_command("migrate", verbosity=0 if quiet else 1, interactive=False)
        call_command("createcachetable", verbosity=0)
        with transaction.atomic():
            builtin.ensure()
            own_events.ensure()
        partitions.ensure(clock.now() - timedelta(days=31), clock.now())
    finally:
        sql.run("SELECT pg_advisory_unlock(%s)", [LOCK])
    indexes.ensure()
