"""The Node SDK (@hubspot/api-client): the same flows in JavaScript; see sdk.mjs."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

from tests.clients.conftest import node


def test_its_flows_go_through(baton: SimpleNamespace) -> None:
    program = Path(__file__).with_name("sdk.mjs")
    done = subprocess.run([*node(), str(program), baton.url, baton.token], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert [int(id) for id in seen.pop("contacts")] == baton.contacts
    assert set(seen.pop("owners")) == {"han@nuriwork.example", "anna@nuriwork.example"}
    assert seen == {
        "made": "node@sdk.example",
        "createdAt": True,
        "taken": [409, True],
        "changed": "Js",
        "read": "Js",
        "companies": ["c3.example", "c4.example"],
        "linked": True,
        "deals": ["appointmentscheduled"] * 3,
        "upserted": [False],
        "stages": ["1", "2", "3", "4"],
        "property": "dealinformation",
        "gone": 404,
    }
