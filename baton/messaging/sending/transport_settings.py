"""What people do with transports: set one up, change it, make it the usual one, try its connection, put it aside. Secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.channel import Setting
from baton.messaging.models import SendingDomain, Transport
from baton.messaging.sending import transport
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

WHERE = ("host", "api_url")  # settings that say to whom the secrets go


def all() -> list[Transport]:
    """Those in use: the usual one first."""
    return list(Transport.objects.filter(channel="email", archived_at=None).order_by("-usual", "name", "pk"))


def get(transport_id: int) -> Transport:
    """Raises NotFound."""
    found = Transport.objects.filter(pk=transport_id, archived_at=None).first()
    if found is None:
        raise NotFound(_("This transport does not exist any more."))
    return found


def add(kind: str, values: Mapping[str, str], actor: Actor) -> Transport:
    """A new one from what was typed: `name`, and the settings of its kind as text. The first is the usual one. Raises Invalid with the names."""
    row = Transport(kind=kind, channel="email")
    secret = _fill(row, values, {})
    with transaction.atomic():
        row.secret = transport.encrypted(secret)
        row.usual = not Transport.objects.filter(channel="email", usual=True, archived_at=None).exists()
        row.save()
        history.record(actor, "created", "transport", row.pk, name=row.name, kind=kind)
    return row


def change(transport_id: int, values: Mapping[str, str], actor: Actor) -> Transport:
    """Change it; a secret that is left empty stays as it is, unless it would go to another server. Raises Invalid, NotFound."""
    with transaction.atomic():
        row = Transport.objects.select_for_update().get(pk=get(transport_id).pk)
        before = (row.name, dict(row.settings))
        known = transport.secrets_of(row)
        secret = _fill(row, values, known)
        if (row.name, row.settings) == before and secret == known:
            return row
        row.secret = transport.encrypted(secret)
        row.save()
        changed = sorted(key for key in {*row.settings, *before[1]} if row.settings.get(key) != before[1].get(key))
        new = sorted(key for key in secret if secret[key] != known.get(key))
        history.record(actor, "updated", "transport", row.pk, name=row.name, settings=changed, secrets=new)
    return row


def make_usual(transport_id: int, actor: Actor) -> None:
    """It carries what names no other. Raises NotFound."""
    with transaction.atomic():
        row = get(transport_id)
        if not row.usual:
            Transport.objects.filter(channel=row.channel, usual=True).update(usual=False)
            Transport.objects.filter(pk=row.pk).update(usual=True)
            history.record(actor, "made_usual", "transport", row.pk, name=row.name)


def archive(transport_id: int, actor: Actor) -> None:
    """Put it aside: its secrets are forgotten. Raises NotFound, Conflict (a domain sends by it)."""
    with transaction.atomic():
        row = get(transport_id)
        if names := list(SendingDomain.objects.filter(transport=row).values_list("name", flat=True)):
            raise Conflict(_("{names} sends by it: choose another transport there first.").format(names=", ".join(names)))
        row.delete()
        history.record(actor, "removed", "transport", row.pk, name=row.name, kind=row.kind)


def attempt(transport_id: int) -> str:
    """Ask it whether it lets us in, without sending anything; its words. Raises transport.Down, NotFound, Invalid."""
    return transport.carrier(get(transport_id).pk).check()


def typed(row: Transport) -> dict[str, Any]:
    """What a form shows of it: no secret, only whether there is one."""
    settings = _settings(row.kind)
    known = transport.secrets_of(row)
    return {s.key: bool(known.get(s.key)) if s.kind == "secret" else row.settings.get(s.key, s.usual) for s in settings} | {"name": row.name}


def _settings(kind: str) -> tuple[Setting, ...]:
    found = transport.kinds().get(kind)
    if found is None:
        raise Invalid.one("kind", "INVALID_OPTION", _("There is no such kind of transport."))
    return found.settings


def _elsewhere(row: Transport, values: Mapping[str, str]) -> bool:
    """Whether what was typed names another server than the one that the secrets were given for."""
    return any(values.get(key, "").strip()[:500] != str(row.settings.get(key, "")) for key in WHERE if key in {s.key for s in _settings(row.kind)})


def _fill(row: Transport, values: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Write what was typed into the row; gives back its secrets."""
    problems = []
    row.name = values.get("name", "").strip()[:100]
    if not row.name:
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    given: dict[str, Any] = {}
    secret = dict(known)
    for setting in _settings(row.kind):
        text = values.get(setting.key, "").strip()
        if setting.kind == "secret":
            secret |= {setting.key: text} if text else {}
        elif setting.kind == "switch":
            given[setting.key] = bool(text)
        elif setting.kind == "number" and text:
            if text.isascii() and text.isdigit() and len(text) < 7:
                given[setting.key] = int(text)
            else:
                problems.append(Problem(setting.key, "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=0, most=f"{999_999:,}")))
        elif setting.kind == "choice" and text not in {value for value, _label in setting.options}:
            problems.append(Problem(setting.key, "INVALID_OPTION", _("Choose one of the values offered.")))
        elif text:
            given[setting.key] = text[:500]
        if setting.kind == "secret" and known.get(setting.key) and not text and _elsewhere(row, values):
            problems.append(Problem(setting.key, "REQUIRED", _("This is required.")))  # nobody who may not see it sends it to a server of his own
        elif setting.required and not (secret.get(setting.key) if setting.kind == "secret" else text):
            problems.append(Problem(setting.key, "REQUIRED", _("This is required.")))
    if problems:
        raise Invalid(problems)
    row.settings = given
    return secret
