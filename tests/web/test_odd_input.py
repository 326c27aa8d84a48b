"""Addresses and forms that nobody makes with a mouse: each is answered, none breaks a page."""

import base64
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.automation import verbs as workflows
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


@pytest.mark.parametrize(
    "contacts",
    [
        "a: {facts: [{day: 1e400, enroll: true}]}",
        "a: {facts: [{day: 999999999, enroll: true}]}",
        "a: {facts: 5}",
        "a: !!timestamp 99999",
        "a: &a [*a]",
        "5",
    ],
)
def test_odd_contacts_of_a_rehearsal_are_told(web: Client, contacts: str) -> None:
    flow = workflows.create("Flow", SYSTEM, {"triggers": [{"type": "manual"}], "steps": [{"id": "s1", "type": "wait", "days": 1}]})
    given = {"population": "ghosts", "version": "draft", "days": "30", "start": "2026-11-02T09:00", "contacts": contacts}
    assert web.post(f"/workflows/{flow.pk}/rehearsal/start/", given).status_code == 422


def test_odd_forms_of_a_workflow_are_answered(web: Client) -> None:
    flow = workflows.create("Flow", SYSTEM, {"triggers": [{"type": "manual"}], "steps": [{"id": "s1", "type": "wait", "days": 1}]})
    at = f"/workflows/{flow.pk}/"
    for address, given in (
        ("undo/", {"edit": MANY}),
        ("change/", {"do": "add", "at": f"root:{MANY}", "type": "wait"}),
        ("rehearsal/start/", {"population": "past", "days": "30", "window": "30", "version": MANY}),
        ("about/", {"owner": MANY}),
        ("clone/", {"name": "Another", f"list-{MANY}": MANY}),
    ):
        assert web.post(f"{at}{address}", given).status_code < 500, address
    assert web.get(f"{at}log/?q={MANY}").status_code == 200
    for text in ("baton: workflow/1\nname: x\nobject_type: [a]", "baton: [1]"):
        assert web.post("/workflows/import/", {"file": SimpleUploadedFile("a.yaml", text.encode())}).status_code == 422
