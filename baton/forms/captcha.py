"""hCaptcha and Turnstile: asks the service whether the widget's answer is good. The secret never leaves the server."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from baton.forms.models import Form
from baton.platform import http, logs, secrets

log = logs.log(__name__)
VERIFY = {"hcaptcha": "https://api.hcaptcha.com/siteverify", "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify"}
SCRIPT = {"hcaptcha": "https://js.hcaptcha.com/1/api.js", "turnstile": "https://challenges.cloudflare.com/turnstile/v0/api.js"}
ANSWER = {"hcaptcha": "h-captcha-response", "turnstile": "cf-turnstile-response"}  # what the widget names its answer in the form
WIDGET = {"hcaptcha": "h-captcha", "turnstile": "cf-turnstile"}  # the class the service's script looks for
# What a page must allow so that the widget works, by directive.
POLICY = {
    "hcaptcha": "https://hcaptcha.com https://*.hcaptcha.com",
    "turnstile": "https://challenges.cloudflare.com",
}
# Faults of our own set-up, not of the person: his answer must not be lost.
OURS = {"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "bad-request", "internal-error", "not-using-dummy-secret"}
LONGEST = 8192  # characters of an answer


class Verdict(StrEnum):
    GOOD = "good"
    REFUSED = "refused"  # no answer, a wrong one, or one that was used before or has expired
    UNREACHABLE = "unreachable"  # nobody can say


def verify(form: Form, settings: Mapping[str, Any], answer: str, address: str) -> Verdict:
    """Ask the service about an answer of its widget; `address` is the sender's."""
    service = settings["captcha"]
    if not answer or len(answer) > LONGEST:
        return Verdict.REFUSED
    try:
        secret = secrets.decrypt(form.captcha_secret) if form.captcha_secret else ""
    except ValueError:
        secret = ""
    if not secret:
        log.error("a form asks for a captcha and has no secret", form=form.pk)
        return Verdict.UNREACHABLE
    asked = {"secret": secret, "response": answer}
    if address:
        asked["remoteip"] = address
    if service == "hcaptcha":
        asked["sitekey"] = settings["site_key"]
    try:
        said = http.post(VERIFY[service], body=urlencode(asked).encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})
        found = json.loads(said.text)
    except (http.Unreachable, http.Refused, ValueError) as error:
        log.warning("a captcha could not be checked", form=form.pk, service=service, error=str(error))
        return Verdict.UNREACHABLE
    if not isinstance(found, dict) or said.status >= 500:
        return Verdict.UNREACHABLE
    if found.get("success") is True:
        return Verdict.GOOD
    codes = {str(code) for code in found.get("error-codes") or []}
    if codes & OURS:
        log.error("a captcha service turned us away", form=form.pk, service=service, codes=sorted(codes))
        return Verdict.UNREACHABLE
    return Verdict.REFUSED
