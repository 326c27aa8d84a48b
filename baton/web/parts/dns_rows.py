"""A sending domain's checks and keys as pages show them."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.messaging.deliverability import dns_checks, dns_words
from baton.messaging.deliverability.dns_checks import Check
from baton.messaging.models import DkimKey, SendingDomain

TONES = {"ok": "good", "warn": "warn", "bad": "bad", "unknown": ""}
ORDER = ("bad", "warn", "unknown", "ok")
GLYPHS = {"ok": "circle-check", "warn": "triangle-alert", "bad": "circle-x", "unknown": "circle-help"}
KEY_STATES: dict[str, tuple[str | Promise, str]] = {"new": (_("not in use yet"), "warn"), "active": (_("signs"), "good"), "retired": (_("retired"), "")}
ALGORITHMS = {"rsa-sha256": "RSA 2048", "ed25519-sha256": "Ed25519"}


def rows(domain: SendingDomain) -> list[dict[str, Any]]:
    """What the last look found, worst first."""
    found = sorted(dns_checks.kept(domain), key=lambda check: ORDER.index(check.state))
    return [_row(number, check) for number, check in enumerate(found)]


def whole(domain: SendingDomain) -> dict[str, Any]:
    """The state of the domain as a whole, and what is not in order."""
    checks = dns_checks.kept(domain)
    state = dns_checks.worst(checks) if checks else "unknown"
    open_ = [str(dns_words.LABELS[check.key]) for check in checks if check.state in ("bad", "warn")]
    return {"state": str(dns_words.STATES[state]), "tone": TONES[state], "glyph": GLYPHS[state], "open": list(dict.fromkeys(open_))}


def open_ones(domain: SendingDomain) -> list[dict[str, Any]]:
    """What is not in order, worst first. That a key is missing is told by who says whether mails are signed."""
    return [row for row in rows(domain) if not row["quiet"]]


def key(row: DkimKey) -> dict[str, Any]:
    """A key without anything secret."""
    label, tone = KEY_STATES[row.state]
    return {"key": row, "algorithm": ALGORITHMS[row.algorithm], "label": label, "tone": tone}


def _row(number: int, check: Check) -> dict[str, Any]:
    return {
        "number": number, "label": dns_words.LABELS[check.key], "state": dns_words.STATES[check.state],
        "quiet": check.state == "ok", "tone": TONES[check.state],
        "glyph": GLYPHS[check.state],
        "text": dns_words.told(check.why, check.about), "found": check.found, "wanted": check.wanted if check.state != "ok" else [],
    }  # fmt: skip
