"""Sending domains and their DKIM keys: add one, make a key, put it to use, replace it by another, take it back. Private keys are stored encrypted.

A key is `new` until its record is in the DNS, `active` while it signs, and `retired` once another took its place: its record must stay for some
days, for mails that are still on their way. One key of an algorithm signs at a time.
"""

import re
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from baton.messaging.deliverability import dkim
from baton.messaging.models import DkimKey, SendingDomain, Transport
from baton.platform import clock, history, secrets
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

GROWTH = 1.5  # of a warm-up: so many times as many mails each day
NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SELECTOR = re.compile(r"(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Sender:
    """What belongs to the domain of a From address."""

    domain: str = ""  # empty: no sending domain was set up for it
    bounce_host: str = ""
    base: str = ""  # of the links in its mails
    signers: tuple[dkim.Signer, ...] = ()


def add(name: str, actor: Actor, *, bounce_host: str = "", tracking_host: str = "", transport_id: int | None = None) -> SendingDomain:
    """A new sending domain with a first RSA key, which does not sign yet. Raises Invalid (`name`, `bounce_host`, `tracking_host`), Conflict."""
    row = SendingDomain(name=_host(name))
    _set(row, bounce_host, tracking_host, transport_id)
    _check(row)
    try:
        with transaction.atomic():
            row.save()
            history.record(actor, "created", "sending_domain", row.pk, name=row.name)
            make_key(row.pk, dkim.RSA, actor)
    except IntegrityError:
        raise Conflict(_("{name} is a sending domain already.").format(name=row.name)) from None
    return row


def change(
    domain_id: int, actor: Actor, *, bounce_host: str = "", tracking_host: str = "", transport_id: int | None = None, first_day: int = 0
) -> SendingDomain:
    """Where its bounces and links go, what carries its mails, and how many go on the first day of a warm-up (0: none). Raises Invalid, NotFound."""
    with transaction.atomic():
        row = _get(domain_id)
        was = _told(row)
        _set(row, bounce_host, tracking_host, transport_id)
        if not 0 <= first_day <= 1_000_000:
            raise Invalid.one("first_day", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=0, most=f"{1_000_000:,}"))
        if first_day != int(row.warm_up.get("first") or 0):
            today = clock.now().astimezone(config().zone).date()
            row.warm_up = {"from": today.isoformat(), "first": first_day, "growth": GROWTH} if first_day else {}
        _check(row)
        if (now := _told(row)) != was:
            row.save()
            history.record(actor, "updated", "sending_domain", row.pk, **now)
    return row


def _told(row: SendingDomain) -> dict[str, object]:
    """What the history keeps of it."""
    return {"bounce_host": row.bounce_host, "tracking_host": row.tracking_host, "transport": row.transport_id, "warm_up": row.warm_up}


def remove(domain_id: int, actor: Actor) -> None:
    """Its mails are not signed any more, and its keys are gone. Raises NotFound."""
    with transaction.atomic():
        row = _get(domain_id)
        history.record(actor, "removed", "sending_domain", row.pk, name=row.name, selectors=list(row.keys.values_list("selector", flat=True)))
        row.delete()


def make_key(domain_id: int, algorithm: str, actor: Actor, *, selector: str = "") -> DkimKey:
    """A new key, named after the day unless `selector` says otherwise. It signs when `activate` is called. Raises Invalid, Conflict, NotFound."""
    if algorithm not in dkim.ALGORITHMS:
        raise Invalid.one("algorithm", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(dkim.ALGORITHMS)))
    private, public = dkim.make(algorithm)
    with transaction.atomic():
        row = _get(domain_id)
        if row.keys.filter(algorithm=algorithm, state="new").exists():
            raise Conflict(_("There is a new key of this kind already: put it to use or remove it first."))
        name = _selector(row, algorithm, selector.strip().lower())
        key = DkimKey.objects.create(domain=row, selector=name, algorithm=algorithm, secret=secrets.encrypt(private), public=public)
        history.record(actor, "key_made", "sending_domain", row.pk, selector=name, algorithm=algorithm)
    return key


def rotate(domain_id: int, actor: Actor) -> list[DkimKey]:
    """New keys beside those that sign, one of each algorithm in use, whose records can be put into the DNS meanwhile. Raises Conflict, NotFound."""
    with transaction.atomic():
        used = sorted(set(_get(domain_id).keys.filter(state="active").values_list("algorithm", flat=True))) or [dkim.RSA]
        return [make_key(domain_id, algorithm, actor) for algorithm in used]


def activate(key_id: int, actor: Actor) -> DkimKey:
    """This key signs from now on; the one of the same algorithm that did retires. Whether the DNS has its record is for the caller to know.

    Raises NotFound, Conflict (retired: its private key may be known to somebody).
    """
    with transaction.atomic():
        key = _key(key_id)
        if key.state == "retired":
            raise Conflict(_("A retired key does not sign again: make a new one."))
        if key.state == "new":
            for other in DkimKey.objects.filter(domain=key.domain_id, algorithm=key.algorithm, state="active"):
                retire(other.pk, actor)
            key.state = "active"
            key.save()
            history.record(actor, "key_activated", "sending_domain", key.domain_id, selector=key.selector)
    return key


def retire(key_id: int, actor: Actor) -> DkimKey:
    """This key does not sign any more. Raises NotFound."""
    with transaction.atomic():
        key = _key(key_id)
        if key.state == "active":
            key.state = "retired"
            key.save()
            history.record(actor, "key_retired", "sending_domain", key.domain_id, selector=key.selector)
    return key


def remove_key(key_id: int, actor: Actor) -> None:
    """Forget a key that does not sign. Raises NotFound, Conflict."""
    with transaction.atomic():
        key = _key(key_id)
        if key.state == "active":
            raise Conflict(_("This key signs mails: retire it first."))
        history.record(actor, "key_removed", "sending_domain", key.domain_id, selector=key.selector)
        key.delete()


def sender(address: str) -> Sender:
    """What belongs to this From address: its domain's settings, or those of the nearest domain above it that has some. Two queries."""
    host = address.rpartition("@")[2].lower()
    names = host.split(".")
    above = [".".join(names[n:]) for n in range(max(1, len(names) - 1))]
    found = {row.name: row for row in SendingDomain.objects.filter(name__in=above)}
    row = next((found[name] for name in above if name in found), None)
    if row is None:
        return Sender(base=config().url)
    keys = DkimKey.objects.filter(domain=row, state="active").order_by("-algorithm")  # RSA first: everybody can check it
    signers = tuple(_signer(row.name, key.selector, key.algorithm, key.secret) for key in keys)
    return Sender(row.name, row.bounce_host, f"https://{row.tracking_host}" if row.tracking_host else config().url, signers)


def _signer(domain: str, selector: str, algorithm: str, secret: str) -> dkim.Signer:
    if (kept := _signers.get(secret)) is None:
        if len(_signers) > 256:
            _signers.clear()
        kept = _signers[secret] = dkim.signer(domain, selector, algorithm, secrets.decrypt(secret))
    return kept


_signers: dict[str, dkim.Signer] = {}  # by the encrypted key: decrypting and reading one takes longer than many signatures


def _get(domain_id: int) -> SendingDomain:
    found = SendingDomain.objects.select_for_update().filter(pk=domain_id).first()
    if found is None:
        raise NotFound(_("This sending domain does not exist any more."))
    return found


def _key(key_id: int) -> DkimKey:
    found = DkimKey.objects.select_for_update().filter(pk=key_id).first()
    if found is None:
        raise NotFound(_("This key does not exist any more."))
    return found


def _host(name: str) -> str:
    """A domain as the DNS writes it: lower case, ASCII (한국.kr becomes xn--...)."""
    name = name.strip().lower().rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def _set(row: SendingDomain, bounce_host: str, tracking_host: str, transport_id: int | None) -> None:
    row.bounce_host, row.tracking_host = _host(bounce_host), _host(tracking_host)
    if transport_id is not None and not Transport.objects.filter(pk=transport_id, archived_at=None).exists():
        raise Invalid.one("transport_id", "NOT_FOUND", _("Choose one of the values offered."))
    row.transport_id = transport_id


def _check(row: SendingDomain) -> None:
    problems = [
        Problem(field, "INVALID_DOMAIN", _("This is not the name of a domain, such as mail.example.com."))
        for field in ("name", "bounce_host", "tracking_host")
        if not NAME.fullmatch(getattr(row, field)) and (field == "name" or getattr(row, field))
    ]
    if not problems and row.bounce_host == row.name:
        words = _("Give bounces a name of their own, such as bounce.{name}: its mail comes to Baton.").format(name=row.name)
        problems.append(Problem("bounce_host", "SAME_DOMAIN", words))
    if problems:
        raise Invalid(problems)


def _selector(row: SendingDomain, algorithm: str, wanted: str) -> str:
    taken = set(row.keys.values_list("selector", flat=True))
    if wanted:
        if not SELECTOR.fullmatch(wanted):
            raise Invalid.one("selector", "INVALID_NAME", _("Lower-case letters, digits and hyphens, at most 63."))
        if wanted in taken:
            raise Conflict(_("There is a key with this selector already."))
        return wanted
    day = f"baton{clock.now():%Y%m%d}{'e' if algorithm == dkim.ED25519 else ''}"
    return next(name for name in (day, *(f"{day}-{n}" for n in range(2, 1000))) if name not in taken)
