"""The `baton` command: every sub-command, its options and its words. The work is in the modules beside this one."""

import os
import sys
from pathlib import Path

import click

from baton import __version__
from baton.platform import process
from baton.platform.config import ConfigError, config


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="baton")
def cli() -> None:
    """Baton: self-hosted B2B marketing automation and CRM. Settings are BATON_* environment variables: see docs/settings.md."""


def _ready(process: str) -> None:
    from baton.platform import setup

    setup.django(process)


@cli.command()
def serve() -> None:
    """Everything in one: database (unless BATON_DATABASE_URL is set), web server and worker."""
    from baton.cli.serve import Supervisor, taken

    if taken(config().host, config().port):
        raise ConfigError(f"BATON_BIND: port {config().port} on {config().host} is taken by another program")
    _ready("serve")
    from baton.cli.migrate import migrate

    migrate(quiet=True)
    senders = [f"sender:{number}" for number in range(1, config().senders + 1)]
    supervisor = Supervisor(["web", "worker", *senders, *(["intake"] if config().intake else [])])
    click.echo(f"Baton {__version__} listens on {config().url}")
    supervisor.run()


@cli.command()
def web() -> None:
    """The web server: pages, API, collector and live streams on BATON_BIND."""
    from baton.cli import serve as server
    from baton.platform import setup

    setup.database()
    server.web()


@cli.command()
def collector() -> None:
    """The collector alone (hits, opens, clicks) on BATON_BIND, for a machine of its own. Starts without Django."""
    from baton.cli import serve
    from baton.collector import server
    from baton.platform import setup

    if serve.taken(config().host, config().port):
        raise ConfigError(f"BATON_BIND: port {config().port} on {config().host} is taken by another program")
    setup.database()
    server.run()


@cli.command()
def worker() -> None:
    """A worker: decisions, workflows, sending, jobs. Run as many as you like."""
    _ready("worker")
    from baton.cli import worker as runner

    runner.main()


@cli.command()
def sender() -> None:
    """A sender: mail only, beside the worker. Run as many as you like; `baton serve` runs BATON_SENDERS of them."""
    _ready("sender")
    from baton.cli import sender as runner

    runner.main()


@cli.command()
def intake() -> None:
    """Take bounces and answers as mail, by LMTP or SMTP, where BATON_INTAKE says. `baton serve` runs it by itself."""
    if not config().intake:
        raise ConfigError("BATON_INTAKE is empty; set it to where mail is to be taken, for example lmtp://127.0.0.1:2424")
    _ready("intake")
    from baton.messaging.incoming import intake as server

    server.main()


@cli.command()
def migrate() -> None:
    """Bring the database to this version. Safe to run at any time."""
    _ready("migrate")
    from baton.cli import migrate as migration

    migration.migrate()
    click.echo("The database is up to date.")


@cli.group()
def user() -> None:
    """People who sign in."""


@user.command("create")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice(["admin", "marketing", "sales", "viewer"]), default="viewer", show_default=True)
@click.password_option(help="Asked for when it is not given.")
def user_create(email: str, name: str, role: str, password: str) -> None:
    """Create a user."""
    _ready("user")
    from baton.accounts import users
    from baton.platform.actor import SYSTEM

    first = not users.owners(limit=1)
    users.create(email, name, password, role, actor=SYSTEM)
    if first:  # a Baton that begins; one that was there before is asked (settings, company details)
        users.update_account(actor=SYSTEM, employers={"mode": "create", "not": []})
    click.echo(f"{email} can sign in as {role}.")


@user.command("list")
def user_list() -> None:
    """All users, one a line: e-mail, role, name."""
    _ready("user")
    from baton.accounts.models import User

    for found in User.objects.order_by("email"):
        click.echo(f"{found.email}\t{found.role}\t{found.name}{'' if found.is_active else chr(9) + 'inactive'}")


@user.command("password")
@click.argument("email")
@click.password_option()
def user_password(email: str, password: str) -> None:
    """Set a new password."""
    _ready("user")
    from baton.accounts import users
    from baton.platform.actor import SYSTEM

    users.set_password(users.by_email(email), password, actor=SYSTEM)
    click.echo(f"The password of {email} is changed.")


@cli.group()
def token() -> None:
    """Access for programs."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, help="A right such as contacts.read; repeat for more.")
@click.option("--all-scopes", is_flag=True, help="Every right, present and future.")
@click.option("--no-rate-limit", is_flag=True, help="Not counted by the rate limit.")
def token_create(name: str, scopes: tuple[str, ...], all_scopes: bool, no_rate_limit: bool) -> None:
    """Create a token. It is printed alone on the last line and cannot be shown again."""
    if bool(scopes) == all_scopes:
        raise click.UsageError("give either --scope (once or more) or --all-scopes")
    _ready("token")
    from baton.accounts import tokens
    from baton.platform.actor import SYSTEM

    plain = tokens.create(name, ["*"] if all_scopes else list(scopes), limited=not no_rate_limit, actor=SYSTEM)
    click.echo("Keep this token; it is shown only now:", err=True)
    click.echo(plain)


@token.command("list")
def token_list() -> None:
    """All tokens, one a line: id, first characters, name, scopes."""
    _ready("token")
    from baton.accounts.models import ApiToken

    for found in ApiToken.objects.filter(revoked_at=None).order_by("id"):
        click.echo(f"{found.pk}\t{found.hint}…\t{found.name}\t{' '.join(found.scopes)}")


@token.command("revoke")
@click.argument("token_id", type=int)
def token_revoke(token_id: int) -> None:
    """Make a token invalid at once."""
    _ready("token")
    from baton.accounts import tokens
    from baton.platform.actor import SYSTEM

    tokens.revoke(token_id, actor=SYSTEM)
    click.echo("The token is revoked.")


@cli.command()
def doctor() -> None:
    """Check this deployment: settings, database, tables, mail relay, worker, front end. Exits 1 when something is wrong."""
    from baton.cli.doctor import examine

    sys.exit(0 if examine() else 1)


@cli.group()
def workflow() -> None:
    """Workflows: trial runs in which nothing is sent and nothing changed, files, and templates."""


@workflow.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def workflow_test(files: tuple[Path, ...]) -> None:
    """Run test files: made-up contacts, what they do, what must come of it. Exits 1 when something else comes of it. See docs/workflow-rehearsals.md."""
    _ready("workflow")
    from baton.cli import workflow as trial

    sys.exit(0 if trial.test(files) else 1)


@workflow.command("rehearse")
@click.argument("name")
@click.option("--version", default="draft", show_default=True, help="draft, published, or the number of a version.")
@click.option("--since", type=click.IntRange(1, 400), default=30, show_default=True, help="Take those who would have entered in so many days.")
@click.option("--days", type=click.IntRange(1, 400), default=60, show_default=True, help="Lead them for so many days.")
@click.option("--json", "as_json", is_flag=True, help="The whole result as JSON.")
def workflow_rehearse(name: str, version: str, since: int, days: int, as_json: bool) -> None:
    """Run the workflow NAME over the people of the past: who would have come where on which day, which mails would have gone out."""
    _ready("workflow")
    from baton.cli import workflow as trial

    trial.run(name, version, since, days, as_json)


@workflow.command("export")
@click.argument("name")
@click.option("--published", is_flag=True, help="What runs, instead of the draft.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; without it the text is printed.")
def workflow_export(name: str, published: bool, out: Path | None) -> None:
    """Write the workflow NAME (or its number) as YAML that another Baton reads."""
    _ready("workflow")
    from baton.cli import workflow_files

    workflow_files.export(name, published, out)


@workflow.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def workflow_import(files: tuple[Path, ...]) -> None:
    """Make drafts of YAML files. Exits 1 when one of them could not be read; then that one made nothing."""
    _ready("workflow")
    from baton.cli import workflow_files

    sys.exit(0 if workflow_files.bring(files) else 1)


@workflow.command("templates")
@click.argument("key", required=False)
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
def workflow_templates(key: str | None, language: str) -> None:
    """List the templates, or make a draft of the one with this KEY, with all it needs."""
    _ready("workflow")
    from baton.cli import workflow_files

    workflow_files.templates(key, language)


@cli.group(invoke_without_command=True)
@click.option("--reset", is_flag=True, help="Throw the sample data away first.")
@click.option("--contacts", type=click.IntRange(100, 200_000), default=12_000, show_default=True, help="Size of the sample company's database.")
@click.pass_context
def demo(context: click.Context, reset: bool, contacts: int) -> None:
    """Baton with a sample company, its website and a mail catcher, all on this machine."""
    if context.invoked_subcommand is None:
        from baton.cli import demo as run

        run.run(reset=reset, contacts=contacts)


@demo.command("story")
@click.option("--url", default="", help="The running demo; found by itself when it runs in the same data folder.")
def demo_story(url: str) -> None:
    """Play the main journey in a real browser against the running demo. Exits 1 when a step is missing."""
    from baton.cli import demo as run

    sys.exit(run.story(url))


@demo.command("load")
@click.option("--contacts", type=click.IntRange(1000, 10_000_000), default=1_000_000, show_default=True, help="How many contacts there are then.")
@click.option("--events", type=click.IntRange(0, 500_000_000), default=0, help="How many events of the last two years there are then.")
def demo_load(contacts: int, events: int) -> None:
    """Fill the sample company's database up to many contacts, with companies, deals and the rest in proportion, and with what people did."""
    from baton.cli import demo as run

    run.load(contacts, events)


def main() -> None:
    """Entry point: a wrong setting is a sentence, not a traceback."""
    process.die_with_parent()
    try:
        cli()
    except ConfigError as error:
        click.echo(f"{error}\nAll settings: docs/settings.md", err=True)
        sys.exit(2)
    except Exception as error:
        from baton.platform.errors import DomainError

        if isinstance(error, DomainError) and not os.environ.get("BATON_TRACEBACK"):
            click.echo(str(error), err=True)
            sys.exit(1)
        raise


if __name__ == "__main__":
    main()
