"""HubSpot's words in flows, and Baton's: numbers of actions, units, and what a part of a flow may hold."""

from collections.abc import Collection, Mapping
from typing import Any

from baton.api.errors import Failure

Shape = dict[str, Any]
Action = dict[str, Any]

WAIT, WAIT_DATE, SET, TASK, MAIL, NOTIFY_MAIL, NOTIFY, ROTATE = "0-1", "0-35", "0-5", "0-3", "0-4", "0-8", "0-9", "0-11"
LIST_OLD, LIST_ADD, CREATE = "0-13", "0-63809083", "0-14"
OWN = "baton:"  # of actions HubSpot has no number for: baton:goal
LIST_VERSION = 5  # actionTypeVersion of LIST_ADD
MINUTES = {"MINUTES": 1, "HOURS": 60, "DAYS": 1440, "WEEKS": 10_080}
OWNER = "hubspot_owner_id"
METHODS = ("POST", "GET")

# Connections and ids stand outside what an action says.
WIRES = {"actionId", "connection", "defaultBranch", "baton"}
HOLDS: Mapping[str, set[str]] = {  # kind of action -> the parts that are read
    "SINGLE_CONNECTION": {"type", "actionTypeId", "actionTypeVersion", "fields"},
    "LIST_BRANCH": {"type", "listBranches", "defaultBranchName"},
    "STATIC_BRANCH": {"type", "inputValue", "staticBranches", "defaultBranchName"},
    "AB_TEST_BRANCH": {"type", "testBranches"},
    "WEBHOOK": {"type", "method", "webhookUrl", "queryParams", "authSettings"},
    "CUSTOM_CODE": {"type", "runtime", "sourceCode", "inputFields", "outputFields", "secretNames"},
}


def refused(text: str, at: str) -> Failure:
    """400 for what Baton cannot do, with its place: `actions.2.fields.value`."""
    return Failure(400, "VALIDATION_ERROR", f"{at}: {text}", subCategory="AUTOMATION.INVALID_FLOW", errors=[{"message": text, "in": at}])


def only(data: Mapping[str, Any], known: Collection[str], at: str) -> None:
    """Raises Failure 400 for a part that says something and is not read: nothing is dropped in silence."""
    for name, value in data.items():
        if name not in known and value not in (None, "", [], {}, False):
            raise refused(f"{str(name)[:60]} is not supported.", f"{at}.{str(name)[:60]}" if at else str(name)[:60])


def mapping(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise refused("Expected an object.", at)
    return value


def rows(value: Any, at: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise refused("Expected a list.", at)
    return value


def number(value: Any, at: str) -> int:
    """A whole number of up to 18 digits, also as text."""
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise refused(f"Expected a whole number, got {text[:50]!r}.", at)
    return int(text)


def one_of(value: Any, known: Collection[str], at: str) -> str:
    text = str(value).upper()
    if text not in known:
        raise refused(f"{str(value)[:50]!r} is not supported; known are {', '.join(known)}.", at)
    return text
