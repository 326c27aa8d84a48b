"""What Django is told for a public https address, and for a machine of one's own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

ASKED = (
    "DEBUG",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SECURE_PROXY_SSL_HEADER",
    "CSRF_TRUSTED_ORIGINS",
)
SHOW = f"""
import json, baton.settings
from django.conf import settings
settings.configure(**{{n: v for n, v in vars(baton.settings).items() if n.isupper()}})
import django; django.setup()
from django.http import HttpResponse, HttpRequest
from baton.web.middleware import SecurityHeaders
headers = dict(SecurityHeaders(lambda _: HttpResponse())(HttpRequest()).items())
print(json.dumps({{**{{n: getattr(settings, n) for n in {ASKED!r}}}, "headers": headers}}))
"""


def told(url: str) -> dict[str, Any]:
    environ = {**os.environ, "BATON_BASE_URL": url}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run([sys.executable, "-c", SHOW], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("url", "safe"), [("https://crm.example", True), ("", False)])
def test_a_public_address_is_guarded(url: str, safe: bool) -> None:
    found = told(url)
    assert found["DEBUG"] is False
    assert (found["SESSION_COOKIE_HTTPONLY"], found["SESSION_COOKIE_SAMESITE"]) == (True, "Lax")
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is safe
    assert ("Strict-Transport-Security" in found["headers"]) is safe
    assert bool(found["SECURE_PROXY_SSL_HEADER"]) is safe
    assert url in (*found["CSRF_TRUSTED_ORIGINS"], "")
    assert "script-src 'self';" in found["headers"]["Content-Security-Policy"]
