"""A relay: another mail server that takes our mail by SMTP and carries it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from baton.messaging.channel import Receipt, Setting
from baton.messaging.sending.pool import Pool, Relay
from baton.messaging.sending.transport import Carrier, Letter

PORTS = {"tls": 465}


class Smtp(Carrier):
    kind = "smtp"
    label = _("Mail server (SMTP)")
    settings = (
        Setting("host", _("Server"), required=True),
        Setting("port", _("Port"), "number", 587),
        Setting(
            "security",
            _("Encryption"),
            "choice",
            "starttls",
            options=(("starttls", _("STARTTLS where it is offered")), ("required", _("STARTTLS always")), ("tls", _("TLS from the start"))),
        ),
        Setting("user", _("User")),
        Setting("password", _("Password"), "secret"),
        Setting("connections", _("Connections at once, of each sending process"), "number", 8),
        Setting("per_connection", _("Messages on one connection"), "number", 500),
        Setting("per_second", _("Messages a second at most"), "number", 0, help=_("0: as fast as the server takes them.")),
        Setting("keep_trying", _("Hours a mail is tried for"), "number", 0, help=_("0: three days; a mail of a campaign one day.")),
        Setting("dsn", _("Ask for bounces with our own mark (DSN)"), "switch", True),
        Setting("sends_from", _("Addresses its mail comes from"), help=_("As others see them, such as 203.0.113.9; for SPF and the name of the server.")),
    )

    def __init__(self, id: int | None, given: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        super().__init__(id, given, secret)
        security = str(self.given["security"])
        self.pool = Pool(
            Relay(
                host=str(self.given.get("host") or ""),
                port=int(self.given["port"] or PORTS.get(security, 25)),
                security=security,
                user=str(self.given.get("user") or ""),
                password=str(self.secret.get("password") or ""),
                connections=max(1, int(self.given["connections"] or 8)),
                per_connection=max(1, int(self.given["per_connection"] or 500)),
                dsn=bool(self.given["dsn"]),
            )
        )

    @classmethod
    def of_url(cls, url: str) -> Smtp:
        """The relay of an address such as smtp://user:password@host:587."""
        parts = urlsplit(url)
        security = "tls" if parts.scheme == "smtps" else "starttls"
        given = {"host": parts.hostname or "", "port": parts.port or PORTS.get(security, 25), "security": security, "user": unquote(parts.username or "")}
        return cls(None, given, {"password": unquote(parts.password or "")})

    def send(self, letters: Sequence[Letter]) -> Sequence[Receipt]:
        return self.pool.send(letters)

    def check(self) -> str:
        return self.pool.check()

    def pause(self) -> float:
        return self.pool.pause()

    def at_once(self) -> int:
        return self.pool.pace.window

    def close(self) -> None:
        self.pool.close()
