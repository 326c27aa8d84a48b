"""HubSpot's MCP server (@hubspot/mcp-server): what an assistant does with its tools."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.clients.conftest import NODE, node

SERVER = NODE / "@hubspot" / "mcp-server" / "dist" / "index.js"


class Assistant:
    """Speaks the model context protocol over the server's standard input and output."""

    def __init__(self, baton: SimpleNamespace) -> None:
        environment = {**os.environ, "BASE_URL_OVERRIDE": baton.url, "PRIVATE_APP_ACCESS_TOKEN": baton.token}
        self.process = subprocess.Popen(
            [*node(), str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.number = 0
        self.alarm = threading.Timer(90, self.process.kill)  # a server that hangs ends the test
        self.alarm.start()

    def ask(self, method: str, **params: Any) -> Any:
        self.number += 1
        self._say({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the server ended")

    def tell(self, method: str) -> None:
        self._say({"jsonrpc": "2.0", "method": method})

    def use(self, tool: str, **arguments: Any) -> str:
        """The text a tool answers."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        text = "\n".join(part["text"] for part in result["content"])
        assert not result.get("isError"), text
        return text

    def _say(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.alarm.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def assistant(baton: SimpleNamespace) -> Iterator[Assistant]:
    made = Assistant(baton)
    try:
        made.ask("initialize", protocolVersion="2024-11-05", capabilities={}, clientInfo={"name": "tests", "version": "1"})
        made.tell("notifications/initialized")
        yield made
    finally:
        made.end()


def test_it_lists_its_tools(assistant: Assistant) -> None:
    tools = {tool["name"] for tool in assistant.ask("tools/list")["tools"]}
    assert {"hubspot-list-objects", "hubspot-search-objects", "hubspot-batch-create-objects", "hubspot-get-user-details"} <= tools


def test_it_knows_who_it_works_for(assistant: Assistant, baton: SimpleNamespace) -> None:
    text = assistant.use("hubspot-get-user-details")
    assert str(baton.portal) in text
    assert "han@nuriwork.example" in text
    assert "crm.objects.contacts.write" in text


def test_it_reads_and_searches(assistant: Assistant) -> None:
    assert "p000@c0.example" in assistant.use("hubspot-list-objects", objectType="contacts", limit=5, properties=["email"])
    found = assistant.use(
        "hubspot-search-objects",
        objectType="companies",
        filterGroups=[{"filters": [{"propertyName": "domain", "operator": "EQ", "value": "c7.example"}]}],
        properties=["name", "domain"],
    )
    assert "회사 7" in found
    assert "dealstage" in assistant.use("hubspot-list-properties", objectType="deals")
    assert "lifecyclestage" in assistant.use("hubspot-get-property", objectType="contacts", propertyName="lifecyclestage")
    assert "contract" in assistant.use("hubspot-get-schemas")


def test_it_writes_links_and_takes_notes(assistant: Assistant, baton: SimpleNamespace) -> None:
    made = assistant.use("hubspot-batch-create-objects", objectType="contacts", inputs=[{"properties": {"email": "mcp@assistant.example", "firstname": "Mcp"}}])
    assert "mcp@assistant.example" in made
    contact = str(baton.contacts[100])
    assistant.use("hubspot-batch-update-objects", objectType="contacts", inputs=[{"id": contact, "properties": {"jobtitle": "By MCP"}}])
    assert "By MCP" in assistant.use("hubspot-batch-read-objects", objectType="contacts", inputs=[{"id": contact}], properties=["jobtitle"])
    assert "279" in assistant.use("hubspot-get-association-definitions", fromObjectType="contacts", toObjectType="companies")
    company = str(baton.companies[9])
    assistant.use(
        "hubspot-batch-create-associations",
        fromObjectType="contacts",
        toObjectType="companies",
        types=[{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}],
        inputs=[{"from": {"id": contact}, "to": {"id": company}}],
    )
    assert company in assistant.use("hubspot-list-associations", objectType="contacts", objectId=contact, toObjectType="companies")
    note = assistant.use(
        "hubspot-create-engagement",
        type="NOTE",
        ownerId=baton.sales,
        timestamp=1763700000000,
        associations={"contactIds": [int(contact)], "companyIds": [], "dealIds": [], "ownerIds": [], "ticketIds": []},
        metadata={"body": "Called by an assistant"},
    )
    assert "Called by an assistant" in note
