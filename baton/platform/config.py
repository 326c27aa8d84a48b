"""Settings of a deployment: `BATON_*` environment variables, checked once, each with a safe default.

Pure Python on purpose: the collector reads it too and starts without Django.
"""

import os
import re
import secrets
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

PREFIX = "BATON_"
OURS = {"supervised", "traceback"}  # variables that are no settings: between our own processes, and for developers


class ConfigError(Exception):
    """An environment variable has a value Baton cannot use; the text names it and says what would do."""


class Config(BaseModel):
    """Every setting, in the order of docs/settings.md; the field's description is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[str, Field(description="Public address of this Baton, used in mails and embed codes.")] = ""
    bind: Annotated[str, Field(description="Address and port to listen on. The default is reachable from this machine only.")] = "127.0.0.1:8000"
    data_dir: Annotated[Path, Field(description="Folder for the embedded database, the secret key, uploads and the collector's spill files.")] = Path("data")
    database_url: Annotated[
        str, Field(description="PostgreSQL 15 to 18, as `postgresql://user:password@host:5432/name`. Empty: Baton runs its own in the data folder.")
    ] = ""
    secret_key: Annotated[
        str, Field(description="Signs sessions and links, encrypts stored secrets. Empty: made on first start and kept in the data folder.")
    ] = ""
    smtp_url: Annotated[str, Field(description="Mail relay: `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://host:465`.")] = (
        "smtp://127.0.0.1:25"
    )
    mail_from: Annotated[str, Field(description="Sender of Baton's own mails and of campaigns that name none, as `Name <address>`.")] = (
        "Baton <baton@localhost>"
    )
    senders: Annotated[
        int, Field(ge=0, le=64, description="Processes of `baton serve` that do nothing but send mail, beside the worker, which sends too. For large mailings.")
    ] = 0
    intake: Annotated[
        str,
        Field(
            description="Take bounces and answers as mail: `lmtp://127.0.0.1:2424` from a mail server beside it, `smtp://0.0.0.0:25` from anybody. Empty: off."
        ),
    ] = ""
    time_zone: Annotated[str, Field(description="Time zone of the account: days, weeks and months begin here.")] = "Asia/Seoul"
    language: Annotated[Literal["ko", "en"], Field(description="Language for people who have not chosen one: `ko` or `en`.")] = "ko"
    visitor_months: Annotated[
        int, Field(ge=1, le=120, description="Months after which a visitor who never told who he is, and did not come back, is deleted.")
    ] = 13
    scanner_seconds: Annotated[
        float, Field(ge=0, le=300, description="An open or a click so few seconds after the sending is taken for a mail scanner's. 0: the clock says nothing.")
    ] = 5
    allow_private_webhooks: Annotated[
        str, Field(description="Private networks that outgoing requests may reach, comma separated, as `10.1.0.0/16`. Empty: none.")
    ] = ""
    track_ip: Annotated[
        Literal["none", "truncated"],
        Field(description="What a page view keeps of its visitor's address: nothing (`none`) or its network, without the last part (`truncated`)."),
    ] = "none"
    trusted_proxies: Annotated[
        str,
        Field(description="Networks of proxies whose `X-Forwarded-For` is believed, besides private ones, comma separated, as `203.0.113.0/24`."),
    ] = ""
    log_format: Annotated[Literal["text", "json"], Field(description="Log lines for people (`text`) or for machines (`json`).")] = "text"
    demo: Annotated[bool, Field(description="Serve the sample company's website and the mail catcher. Set by `baton demo`; never in production.")] = False

    @field_validator("bind")
    @classmethod
    def _bind(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError("expected HOST:PORT, for example 127.0.0.1:8000")
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("unknown time zone; expected a name such as Asia/Seoul")
        return value

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        value = value.rstrip("/")
        if value and (not re.match(r"https?://[^/?#@]+$", value) or not _port_fits(value)):
            raise ValueError("expected an http:// or https:// address without a path")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        if value and not (value.startswith(("postgresql://", "postgres://")) and _port_fits(value)):
            raise ValueError("expected postgresql://user:password@host:5432/name")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not _port_fits(value):
            raise ValueError("expected smtp://host:port or smtps://host:port")
        return value

    @field_validator("intake")
    @classmethod
    def _intake(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("lmtp", "smtp") or not parts.hostname or not _port_fits(value) or not parts.port):
            raise ValueError("expected lmtp://host:port or smtp://host:port")
        return value

    @field_validator("allow_private_webhooks", "trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in filter(None, map(str.strip, value.split(","))):
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network} is no network; expected one such as 10.1.0.0/16, more separated by commas") from None
        return value

    @property
    def host(self) -> str:
        return self.bind.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.bind.rpartition(":")[2])

    @property
    def url(self) -> str:
        """The public address without a trailing slash."""
        return self.base_url or f"http://{self.bind}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def read(environ: Mapping[str, str]) -> Config:
    """Check the `BATON_*` variables. Raises ConfigError naming the variable, its value's fault and what is accepted."""
    given = {k[len(PREFIX) :].lower(): v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
    known = {k: v for k, v in given.items() if k not in OURS}
    if strange := sorted(known.keys() - Config.model_fields.keys()):
        raise ConfigError("\n".join(f"{PREFIX}{name.upper()}: there is no such setting" + _meant(name) for name in strange))
    try:
        config = Config(**known)  # type: ignore[arg-type]  # pydantic turns the text into each field's type
    except ValidationError as error:
        lines = [
            f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')} (got {_without_password(str(e['input']))!r})" for e in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from None
    if not config.secret_key:
        config = config.model_copy(update={"secret_key": _kept_secret(config.data_dir)})
    return config


def _port_fits(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _without_password(address: str) -> str:
    """What may be printed of an address that somebody mistyped."""
    return re.sub(r"^(\w+://)?.*@", r"\1…@", address)


def _meant(name: str) -> str:
    near = get_close_matches(name, Config.model_fields, n=1)
    return f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""


def _kept_secret(folder: Path) -> str:
    """The key made on first start; only its owner may read the file."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass  # another process of the same start was first
    return path.read_text().strip()


@cache
def config() -> Config:
    """The settings of this process, read once."""
    return read(os.environ)
