"""Addresses and forms that nobody makes with a mouse: each is answered, none breaks a page."""

import base64
import zlib

import pytest
from django.test import Client

from baton.crm import records
from baton.platform.actor import SYSTEM
from baton.segments import verbs
from tests.segments import scores

pytestmark = pytest.mark.django_db
MANY = "9" * 5000


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()


def test_odd_addresses_are_answered(web: Client) -> None:
    contact = records.create("contact", {"email": "jiwoo@gaon.example"}, actor=SYSTEM, source="test")
    found = verbs.create_segment("All", {"condition": "property", "property": "email", "operator": "known"}, "active", SYSTEM).pk
    model = scores.create("Score")
    for address in (
        f"/lists/?page={MANY[:30]}",
        f"/lists/?page={MANY}",
        f"/lists/{found}/members/?after=2026-01-01_{MANY}",
        f"/contacts/{contact}/score/?before=2026-01-01T00:00:00",
        "/contacts/?f=only:" + packed("[" * 90_000),
        "/contacts/?f=only:" + packed('{"not":' * 900 + "{}" + "}" * 900),
    ):
        assert web.get(address).status_code in (200, 422), address[:80]
    assert web.post(f"/lists/effect/?id={MANY}").status_code == 200
    assert web.post(f"/scoring/{model.key}/back/", {"rule": "[" * 90_000, "place": 0}).status_code == 422
