"""tap-hubspot (Singer): discovery, and a sync whose counts are those of the database."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import running
from tests.clients import cast

PYTHON = running.ROOT / "build" / "clients" / "bin" / "python"
# The tap's address is a constant of its module; nothing else of it is touched.
PROGRAM = "import sys, tap_hubspot; tap_hubspot.BASE_URL = sys.argv.pop(1); tap_hubspot.main()"
STREAMS = {
    "contacts", "companies", "contacts_by_company", "deals", "tickets", "owners", "engagements", "deal_pipelines", "contact_lists", "forms",
    "form_submissions", "list_memberships", "workflows", "campaigns", "email_events",
}  # fmt: skip


def run(baton: SimpleNamespace, config: Path, *words: str) -> str:
    done = subprocess.run([PYTHON, "-c", PROGRAM, baton.url, "--config", str(config), *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def config(baton: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tap") / "config.json"
    path.write_text(json.dumps({"start_date": "2020-01-01T00:00:00Z", "api_key": baton.token, **dict.fromkeys(("client_id", "client_secret"), "x")}))
    return path


@pytest.fixture(scope="module")
def catalog(baton: SimpleNamespace, config: Path) -> Any:
    return json.loads(run(baton, config, "--discover"))


def test_it_discovers_all_streams_and_properties(catalog: Any) -> None:
    streams = {stream["stream"]: stream["schema"]["properties"] for stream in catalog["streams"]}
    assert streams.keys() >= STREAMS
    assert {"property_email", "property_lifecyclestage", "property_hs_object_id"} <= streams["contacts"].keys()
    assert {"property_dealname", "property_hs_v2_date_entered_closedwon"} <= streams["deals"].keys()
    assert "contract" in streams


def test_it_copies_everything_once(baton: SimpleNamespace, config: Path, catalog: Any, tmp_path: Path) -> None:
    for stream in catalog["streams"]:
        for row in stream["metadata"]:
            if not row["breadcrumb"] or row["metadata"].get("inclusion") == "available":
                row["metadata"]["selected"] = stream["stream"] in STREAMS | {"contract"}
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    messages = [json.loads(line) for line in run(baton, config, "--properties", str(chosen)).splitlines()]
    records = [(one["stream"], one["record"]) for one in messages if one["type"] == "RECORD"]
    counts = Counter(stream for stream, _record in records)

    contacts = [record for stream, record in records if stream == "contacts" and record["property_email"].startswith("p")]
    assert sorted(int(record["id"]) for record in contacts) == baton.contacts
    assert {record["property_lifecyclestage"] for record in contacts} == {"marketingqualifiedlead"}
    assert counts["companies"] == cast.COMPANIES
    assert {int(record["companyId"]) for stream, record in records if stream == "companies"} == set(baton.companies)
    assert counts["contacts_by_company"] >= cast.CONTACTS
    deals = {record["dealId"]: record for stream, record in records if stream == "deals"}
    assert set(baton.deals) <= deals.keys()
    assert float(deals[baton.deals[7]]["property_amount"]["value"]) == 7000
    assert deals[baton.deals[7]]["property_hs_v2_date_entered_qualifiedtobuy"]["value"]
    assert counts["tickets"] >= cast.TICKETS
    engagements = [record for stream, record in records if stream == "engagements" and "by an assistant" not in json.dumps(record)]
    assert len(engagements) == sum(cast.ACTIVITIES.values())
    assert counts["owners"] == 2
    assert [(one["name"], one["enabled"]) for stream, one in records if stream == "workflows"] == [("후속", False)]
    assert counts["deal_pipelines"] == 1
    assert counts["contract"] == 3
    assert [(one["id"], one["name"], one["counters"]["open"]) for stream, one in records if stream == "campaigns" and one["id"] == baton.mail] == [
        (baton.mail, "소식", 2)
    ]
    assert sorted(one["type"] for stream, one in records if stream == "email_events" and one["type"] != "STATUSCHANGE") == ["CLICK", "OPEN", "OPEN", "SENT"]
