"""What colleagues do about a move from another mail tool: begin one with a file or a key, stop it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.consent import subscriptions
from baton.messaging.consent.movers import files, mailchimp, run, stibee
from baton.messaging.consent.movers.people import Patience
from baton.messaging.models import Move
from baton.platform import clock, history, secrets
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound
from baton.platform.jobs import every, job

LABELS = {"stibee": stibee.LABEL, "mailchimp": mailchimp.LABEL}


@dataclass(frozen=True, slots=True)
class Options:
    """What is chosen for a move as a whole."""

    source: str = ""  # where and to what people agreed, in words: without it nobody's agreement is taken over
    agreed_on: str = ""  # a day (2025-03-01) for those whose own is not in the data; "": they are taken over without an agreement
    everything: bool = True  # who left there wants no marketing at all; False: only the kind of news `type`
    type: int = 0  # the kind of news that the list was; 0: none
    groups: bool = True  # groups and tags become fixed lists


def begin_file(service: str, name: str, content: bytes, options: Options, *, actor: Actor) -> Move:
    """Take over the people of an export. Raises Invalid (`file`, `service` and the names of Options)."""
    if len(content) > files.LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=files.LARGEST >> 20))
    stored = _checked(service, options)
    files.sheets(content, name, service)
    return _begin(Move(service=service, via="file", name=name[:200], content=content, options=stored, actor=str(actor)), actor)


def lists(service: str, key: str) -> list[tuple[str, str]]:
    """The lists (id, name) that a key opens. Raises Invalid (`key`)."""
    if service not in LABELS or not key.strip():
        raise Invalid.one("key", "REQUIRED", _("Enter the key of the API."))
    try:
        return run.APIS[service](key).lists()
    except Patience as error:
        raise Invalid.one("key", "NOT_NOW", _("{service} cannot be reached: {why}").format(service=LABELS[service], why=error)) from None


def begin_api(service: str, key: str, chosen: Collection[str], options: Options, *, actor: Actor) -> Move:
    """Take over the people of some lists. The key is kept encrypted until the end. Raises Invalid (`key`, `lists` …)."""
    stored = _checked(service, options)
    known = dict(lists(service, key))
    wanted = [id for id in known if id in chosen]
    if not wanted:
        raise Invalid.one("lists", "REQUIRED", _("Choose at least one list."))
    name = ", ".join(known[id] for id in wanted)[:200]
    return _begin(
        Move(service=service, via="api", name=name, secret=secrets.encrypt(key.strip()), options={**stored, "lists": wanted}, actor=str(actor)), actor
    )


def stop(move_id: int, *, actor: Actor) -> None:
    """Go no further; what was taken over stays. Raises NotFound."""
    with transaction.atomic():
        if not Move.objects.filter(pk=move_id, state__in=("running", "waiting")).update(state="stopped", ended_at=clock.now(), secret="", content=None):
            raise NotFound(_("This is over already."))
        history.record(actor, "stopped", "move", move_id)


def _begin(move: Move, actor: Actor) -> Move:
    with transaction.atomic():
        move.save()
        history.record(actor, "created", "move", move.pk, service=move.service, via=move.via, name=move.name, options=move.options)
        go_on.defer(move_id=move.pk, lock=f"move:{move.pk}")
    return move


def _checked(service: str, options: Options) -> dict[str, Any]:
    if service not in LABELS:
        raise Invalid.one("service", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(LABELS)))
    if options.type and options.type not in {type.pk for type in subscriptions.known()}:
        raise Invalid.one("type", "INVALID_OPTION", _("There is no such kind of news any more."))
    if not options.everything and not options.type:
        raise Invalid.one("type", "REQUIRED", _("Say which kind of news the list was."))
    stored = asdict(options)
    if options.agreed_on:
        try:
            day = datetime.combine(date.fromisoformat(options.agreed_on), time(12), config().zone)
        except ValueError:
            raise Invalid.one("agreed_on", "INVALID_DATE", _("That is no day.")) from None
        if day > clock.now():
            raise Invalid.one("agreed_on", "INVALID_DATE", _("Choose a day that is over."))
        stored["agreed_on"] = day.isoformat()
    return stored


@job
def go_on(move_id: int) -> None:
    """What is left of a move; may be called again."""
    run.run(move_id)


@every("* * * * *")
def again() -> None:
    """Moves that waited for the other side, and those whose worker died."""
    for move_id in run.due():
        go_on.defer(move_id=move_id, lock=f"move:{move_id}")
