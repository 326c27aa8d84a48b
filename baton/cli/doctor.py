"""`baton doctor`: looks at every part of a deployment and says what is wrong and what to do."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from baton.platform.config import config

Finding = tuple[bool, str]


def examine() -> bool:
    """Print one line a finding; returns whether all is well."""
    well = True
    for check in (_settings, _database, _mail, _sending, _front_end):
        for good, text in _run(check):
            click.echo(f"{'ok  ' if good else 'BAD '} {text}")
            well &= good
    return well


def _run(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        yield False, f"{(check.__doc__ or '').rstrip('.')}: {error}"


def _settings() -> Iterator[Finding]:
    """Settings."""
    settings = config()
    yield True, f"settings read; public address {settings.url}, time zone {settings.time_zone}, language {settings.language}"
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        yield settings.url.startswith("https"), "BATON_BIND is open to the network: BATON_BASE_URL should be the https address of your proxy"
    writable = settings.data_dir.exists() and (settings.data_dir / "secret_key").exists()
    yield (
        writable,
        f"data folder {settings.data_dir} {'holds the secret key' if writable else 'holds no secret key: set BATON_SECRET_KEY or let Baton write there'}",
    )


def _database() -> Iterator[Finding]:
    """Database."""
    from baton.platform import setup

    setup.django("doctor")
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from baton.forms import kept
    from baton.platform import changes, sql

    version = sql.rows("SHOW server_version_num")[0][0]
    yield 150000 <= int(version) < 190000, f"PostgreSQL {sql.rows('SHOW server_version')[0][0]} (15 to 18 are supported)"
    yield sql.rows("SHOW server_encoding")[0][0] == "UTF8", "the database stores UTF-8"
    missing = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    yield not missing, "tables are up to date" if not missing else f"{len(missing)} migrations are missing: run `baton migrate`"
    if not missing:
        waiting = changes.waiting()
        yield waiting < 10_000, f"{waiting:,} changes wait for the worker{'' if waiting < 10_000 else ': is `baton worker` running?'}"
        if aside := changes.set_aside():
            yield (
                False,
                f"{aside:,} changes are set aside because deciding about them failed: the worker's log and the column `trouble` of table `change` say why",
            )
    if refused := kept.refused():
        yield False, f"{refused:,} answers of forms could not be taken: see the files `.refused` in {kept.folder()}"


def _mail() -> Iterator[Finding]:
    """Mail relay."""
    parts = urlsplit(config().smtp_url)
    port = parts.port or (465 if parts.scheme == "smtps" else 25)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        yield False, f"mail relay {parts.hostname}:{port} does not answer ({error.strerror or error}): set BATON_SMTP_URL"
    else:
        yield True, f"mail relay {parts.hostname}:{port} answers"


def _sending() -> Iterator[Finding]:
    """Sending domains."""
    from baton.messaging.deliverability import dns_checks, dns_words
    from baton.messaging.models import SendingDomain

    found = list(SendingDomain.objects.order_by("name"))
    if not found:
        yield True, "no sending domain is set up: mails are not signed (Settings, Sending domains)"
    for domain in found:
        for check in dns_checks.keep(domain):
            records = "".join(f"; put into the DNS: {record.name} {record.type} {record.value}" for record in check.wanted if check.state != "ok")
            yield check.state in ("ok", "warn", "unknown"), f"{domain.name}: {dns_words.told(check.why, check.about)}{records}"


def _front_end() -> Iterator[Finding]:
    """Front end."""
    package = Path(__file__).resolve().parent.parent
    for name in ("web/static/dist/app.js", "web/static/dist/style.css", "collector/static/baton.js", "collector/static/countries.bin"):
        file = package / name
        yield file.exists(), f"{file.relative_to(package.parent)} is {'built' if file.exists() else 'missing: run `make setup`'}"
