"""The contract of a transport: what carries e-mail, a relay or a provider. Implementations are in transports/, one class for each kind.

Which one carries a mail: that of its sender's domain, else the usual one, else the relay of BATON_SMTP_URL.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from baton.messaging.channel import WINDOW, Receipt, Setting
from baton.messaging.models import SendingDomain, Transport
from baton.platform import registry, secrets
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound, Problem

if TYPE_CHECKING:
    from baton.messaging.incoming.receipts import Told
    from baton.messaging.models import Inbound


class Letter(Protocol):
    """What a carrier needs of a mail; letters.Letter has it. One whose `dotless` is true has no line that begins with a dot."""

    @property
    def contact_id(self) -> int: ...
    @property
    def message_id(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def envelope_from(self) -> str: ...
    @property
    def content(self) -> bytes: ...  # the complete mail (RFC 5322) with CRLF, signed


class Down(Exception):
    """The carrier cannot be reached or turns us away; the text says why."""


class Carrier(ABC):
    """A transport at work: made once for a process and its stored settings; `send` is called from several threads."""

    kind: ClassVar[str]  # stored in transport.kind
    key: ClassVar[str]
    label: ClassVar[str | Promise]
    settings: ClassVar[tuple[Setting, ...]] = ()  # what is asked for; those of kind "secret" are stored encrypted
    hooks: ClassVar[bool] = False  # the provider calls us about bounces and the rest: see receipts()
    proof: ClassVar[str | Promise] = ""  # what is to be set so that its calls are believed, for people

    def __init_subclass__(cls) -> None:
        cls.key = getattr(cls, "kind", "")  # as the registry calls it

    def __init__(self, id: int | None, given: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self.id = id
        self.given = {s.key: s.usual for s in self.settings if s.kind != "secret"} | dict(given)
        self.secret = dict(secret)

    @abstractmethod
    def send(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        """Hand over and answer in the same order. Raises nothing: a carrier that is away answers NOT_HANDED for what it cannot have."""

    @abstractmethod
    def check(self) -> str:
        """Say in a few words that it answers and lets us in, without sending anything; raises Down."""

    def pause(self) -> float:
        """For how many seconds it is better not to be asked, because it was away just now."""
        return 0.0

    def at_once(self) -> int:
        """How many letters it is best given together: see pace.py."""
        return WINDOW

    def receipts(self, inbound: Inbound) -> list[Told]:
        """What its call tells of messages sent before; raises Invalid when the call is not the provider's."""
        return []

    def close(self) -> None:  # noqa: B027  # most carriers have nothing open
        """Its settings changed, or the process ends."""


def kinds() -> dict[str, type[Carrier]]:
    """All kinds of transports by key."""
    return registry.discover("baton.messaging.sending.transports", Carrier)


_carriers: dict[int | None, tuple[object, Carrier]] = {}
_making = threading.Lock()


def carrier(transport_id: int | None) -> Carrier:
    """The transport at work, made anew when its settings changed; None: the relay of BATON_SMTP_URL. Raises NotFound, Invalid."""
    stamp: object
    if transport_id is None:
        row, stamp = None, config().smtp_url
    else:
        row = Transport.objects.filter(pk=transport_id).first()
        if row is None:
            raise NotFound(_("There is no transport {id}.").format(id=transport_id))
        stamp = row.updated_at
    with _making:
        known = _carriers.get(transport_id)
        if known is not None and known[0] == stamp:
            return known[1]
        if known is not None:
            known[1].close()
        made = of_url(config().smtp_url) if row is None else make(row.kind, row.settings, _read(row.secret), id=row.pk)
        _carriers[transport_id] = (stamp, made)
        return made


def make(kind: str, settings: Mapping[str, Any], secret: Mapping[str, Any], *, id: int | None = None) -> Carrier:
    """A carrier of this kind. Raises Invalid (`kind`, or the setting that is missing)."""
    found = kinds().get(kind)
    if found is None:
        raise Invalid.one("kind", "INVALID_OPTION", _("There is no such kind of transport."))
    missing = [s for s in found.settings if s.required and not (secret if s.kind == "secret" else settings).get(s.key)]
    if missing:
        raise Invalid([Problem(s.key, "REQUIRED", _("This is required.")) for s in missing])
    return found(id, settings, secret)


def of_url(url: str) -> Carrier:
    """The relay that an address as in BATON_SMTP_URL names."""
    from baton.messaging.sending.transports.smtp import Smtp

    return Smtp.of_url(url)


def choose(domain: str) -> int | None:
    """The transport for mails from addresses of this domain; None: the relay of BATON_SMTP_URL."""
    own = SendingDomain.objects.filter(name=domain, transport__isnull=False, transport__archived_at=None).values_list("transport_id", flat=True).first()
    return own or Transport.objects.filter(channel="email", usual=True, archived_at=None).values_list("id", flat=True).first()


def encrypted(secret: Mapping[str, Any]) -> str:
    """What transport.secret keeps of these secrets."""
    return secrets.encrypt(json.dumps(dict(secret))) if secret else ""


def secrets_of(row: Transport) -> dict[str, Any]:
    """What it must keep secret, as it is. For sending and for keeping what a form leaves empty; never shown."""
    return _read(row.secret)


def _read(stored: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(secrets.decrypt(stored)) if stored else {}
    return found
