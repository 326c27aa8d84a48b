"""Call somebody else's server, and go on with its answer: sent by calls.py, signed, tried again, once."""

import json
import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field, model_validator

from baton.automation import answers, calls, sealed, words
from baton.automation.calls import NewCall, Wish
from baton.automation.field import Input
from baton.automation.sealed import Secret
from baton.automation.step import Batch, Effect, Step
from baton.messaging.mail import render
from baton.platform.errors import Invalid, Problem

METHODS = tuple((one, one) for one in ("POST", "PUT", "PATCH", "GET", "DELETE"))
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
KEPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
SHORTEST = 16  # letters of a signing secret
LOOK = timedelta(hours=1)  # an answer wakes the run at once; should that be missed, it is found then


def host_of(url: str) -> str:
    """The server of an address, "" where there is none yet."""
    try:
        return urlsplit(url.split("{{")[0]).hostname or ""
    except ValueError:
        return ""


class Webhook(Step):
    key = "webhook"
    label = _("Call a web address")
    icon = "webhook"
    group = "outside"
    labels = (("ok", _("Answered")), ("error", _("Failed")))

    method: Annotated[Literal["POST", "PUT", "PATCH", "GET", "DELETE"], Input("choice", _("Method"), options=METHODS)] = "POST"
    url: Annotated[str, Input("url", _("Address"), help=_("May use merge fields: https://api.example/people/{{ contact.id }}"))] = ""
    body: Annotated[
        dict[str, str],
        Input("pairs", _("Fields that are sent"), help=_("As JSON. A value that is one merge field keeps its type: {{ contact.score }}"), optional=True),
    ] = {}
    headers: Annotated[dict[str, str], Input("pairs", _("Headers"), optional=True)] = {}
    secret_header: Annotated[str, Input("text", _("Secret header"), help=_("For example Authorization"), optional=True)] = ""
    secret_value: Annotated[str, Input("secret", _("Value of the secret header"), help=_("Kept encrypted and never shown again."), optional=True)] = ""
    key_to_sign: Annotated[
        Secret, Input("secret", _("Signing secret"), help=_("At least 16 letters. With it the receiver checks that the call comes from Baton."))
    ] = ""
    keep: Annotated[
        dict[str, str],
        Input("pairs", _("Kept from the answer"), help=_("A name for later steps and where it stands in the answer: plan and $.data.plan"), optional=True),
    ] = {}
    tries: Annotated[int, Field(ge=1, le=9), Input("number", _("Tries at most"))] = 5

    @model_validator(mode="before")
    @classmethod
    def _bound(cls, given: Any) -> Any:
        """A secret that is read for the first time is sealed for the server of the address."""
        if isinstance(given, dict) and isinstance(value := given.get("secret_value"), str) and isinstance(url := given.get("url", ""), str):
            return {**given, "secret_value": sealed.bind(value, host_of(url))}
        return given

    def run(self, batch: Batch) -> None:
        known = words.people(batch, self.url, *self.body.values())
        new = []
        for one in batch.standing:
            mine = known[one.contact_id]
            try:
                url = render.address(self.url, mine)
            except Invalid as error:
                self._failed(batch, one.enrollment_id, error.problems[0].message)
                continue
            body = json.dumps({name: render.value(source, mine) for name, source in self.body.items()}, ensure_ascii=False)
            new.append(NewCall(one.contact_id, one.enrollment_id, one.turn, url, body))
            if batch.rehearsal:  # told what would be called, and taken for answered
                batch.take("ok", [one])
            else:
                batch.wait(one, batch.now + LOOK, host=self._host)
        calls.add(batch, new, method=self.method, headers=self.headers)

    def resume(self, batch: Batch) -> None:
        found = calls.standing(batch)
        for one in batch.standing:
            call = found.get(one.enrollment_id)
            if call is None:
                self._failed(batch, one.enrollment_id, gettext("The call is not there any more."))
            elif call.state == "queued":
                batch.wait(one, batch.now + LOOK, host=self._host, tries=call.tries, trouble=call.trouble)
            elif call.state == "failed":
                batch.keep(one, {"status": call.status})
                self._failed(batch, one.enrollment_id, call.trouble, status=call.status, tries=call.tries)
            else:
                batch.take("ok", [one])
                batch.effects[one.enrollment_id].detail.update(status=call.status, tries=call.tries)
                batch.keep(one, {"status": call.status, **call.answer})

    def _failed(self, batch: Batch, enrollment_id: int, reason: str, **detail: object) -> None:
        kept = batch.effects[enrollment_id].kept if enrollment_id in batch.effects else {}
        batch.effects[enrollment_id] = Effect("error", {"reason": reason, **detail}, None, "error", kept)

    def wish(self) -> Wish:
        """What calls.py needs to know beside the request."""
        return Wish(self.key_to_sign, self.secret_header, self.secret_value, self.tries, self.keep)

    @property
    def _host(self) -> str:
        return host_of(self.url)

    def detail(self) -> str:
        return f"{self.method} {self._host}" if self._host else ""

    def problems(self) -> list[Problem]:
        found = words.check("url", self.url)
        if not re.match(r"https?://[^/{}?#]+([/?#]|$)", self.url):
            found.append(Problem("url", "INVALID_URL", gettext("The address begins with https:// and a host without merge fields.")))
        for name, source in self.body.items():
            found += words.check(f"body.{name}", source)
        for at, header in [*((f"headers.{name}", name) for name in self.headers), *([("secret_header", self.secret_header)] if self.secret_header else [])]:
            if not NAME.fullmatch(header):
                found.append(Problem(at, "INVALID_NAME", gettext("This is no name of a header.")))
        for name, value in self.headers.items():
            if not value.isascii() or "\n" in value or "\r" in value:
                found.append(Problem(f"headers.{name}", "INVALID_VALUE", gettext("Headers are plain ASCII, one line each.")))
        if bool(self.secret_header) != bool(self.secret_value):
            found.append(Problem("secret_value" if self.secret_header else "secret_header", "REQUIRED", gettext("A secret header needs a name and a value.")))
        for path, value, least in (("key_to_sign", self.key_to_sign, SHORTEST), ("secret_value", self.secret_value, 0)):
            try:
                secret = sealed.bound(value, self._host) if path == "secret_value" else sealed.open(value)
            except sealed.Elsewhere:
                found.append(Problem(path, "OTHER_SERVER", gettext("This secret was entered for another server. Enter it again for this one.")))
                continue
            except ValueError:
                found.append(Problem(path, "UNREADABLE", gettext("This secret was stored with another key of the installation. Enter it again.")))
                continue
            if len(secret) < least:
                found.append(Problem(path, "TOO_SHORT", gettext("A signing secret has at least {n} letters.").format(n=least)))
            elif path == "secret_value" and (not secret.isascii() or "\n" in secret or "\r" in secret):
                found.append(Problem(path, "INVALID_VALUE", gettext("Headers are plain ASCII, one line each.")))
        for name, where in self.keep.items():
            if not KEPT.fullmatch(name):
                found.append(Problem(f"keep.{name}", "INVALID_NAME", gettext("A name has letters, digits and underscores.")))
            if not answers.steps_of(where):
                found.append(Problem(f"keep.{name}", "INVALID_PATH", gettext("Expected a path in the answer such as $.data.items[0].id")))
        return found
