"""Steps as HubSpot's actions. What HubSpot has a word for is said by it; what such words leave out is carried in `baton`, and comes back as it was."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from baton.api.errors import Failure
from baton.api.hubspot import branches_out, flow_steps_in, words
from baton.api.hubspot.flow_words import (
    LIST_ADD,
    LIST_OLD,
    LIST_VERSION,
    MAIL,
    NOTIFY,
    NOTIFY_MAIL,
    OWN,
    OWNER,
    ROTATE,
    SET,
    TASK,
    WAIT,
    WAIT_DATE,
    Action,
    Shape,
)
from baton.automation.step import Step
from baton.crm import properties
from baton.segments import filter as filters

Stored = dict[str, Any]
Said = dict[str, Any] | None


def action(step: Step, id: str, ends: Mapping[str, Shape]) -> Action:
    """One step with its connections; `ends` are those by the label of the way."""
    stored = fields(step)
    said = bare(step)
    exact = not step.name and _read_back(said, stored, step)
    made: Action = {"actionId": id, **_wired(said, ends)}
    return made if exact else {**made, "baton": {**stored, **({"name": step.name} if step.name else {})}}


def fields(step: Step) -> Stored:
    """A step as it is stored, without its id, name and ways."""
    return {"type": step.key, **step.model_dump(mode="json", exclude={"id", "name", "paths"})}


def words_of(step: Step) -> Said:
    """What HubSpot has a word for: the action without id and connections; None where it has none."""
    say = WORDS.get(step.key)
    return say(step, fields(step)) if say else None


def bare(step: Step) -> Action:
    """What is compared to see whether a program changed an action: its words, or ours where HubSpot has none."""
    said = words_of(step)
    simple = said is not None and "ways" not in said
    if said is None or (simple and any(path.steps for path in step.paths)):  # such a branch joins at once, or it is not theirs
        return _own(step)
    return said


def _read_back(said: Action, stored: Stored, step: Step) -> bool:
    try:
        found, _wires = flow_steps_in.words_in({**said, "actionId": "1"}, "s1", "actions.0", step.object_type)
    except (Failure, ValidationError):  # not to be read: then it is carried along
        return False
    kind = type(step)
    return found.get("type") == step.key and fields(kind.model_validate({k: v for k, v in found.items() if k not in ("type", "paths")})) == stored


def _wired(said: Action, ends: Mapping[str, Shape]) -> Action:
    """The action with its connections. The last way of a branch is its default."""
    labels = said.pop("ways", None)
    if said["type"] == "LIST_BRANCH":
        branches = [{**one, **_wire(ends, label)} for one, label in zip(said["listBranches"], labels, strict=False)]
        default = ends.get(labels[-1])
        return {**said, "listBranches": branches, **({"defaultBranch": default} if default else {})}
    if said["type"] == "STATIC_BRANCH":
        branches = [{**one, **_wire(ends, label)} for one, label in zip(said["staticBranches"], labels, strict=False)]
        default = ends.get(labels[-1])
        return {**said, "staticBranches": branches, **({"defaultBranch": default} if default else {})}
    if said["type"] == "AB_TEST_BRANCH":
        return {**said, "testBranches": [ends.get(label, {}) for label in labels]}
    standard = next((label for label, end in ends.items() if end["edgeType"] == "STANDARD"), next(iter(ends), ""))
    return {**said, **_wire(ends, standard)}


def _wire(ends: Mapping[str, Shape], label: str) -> Shape:
    return {"connection": ends[label]} if label in ends else {}


def _own(step: Step) -> Action:
    """A step HubSpot has no word for."""
    said = fields(step)
    said = {name: value for name, value in said.items() if name != "type"}
    ways = [label for label, _name in step.ways()]
    if not ways:
        return _single(f"{OWN}{step.key}", said)
    told = {"filterType": "CONSTANT", "shouldAccept": True, "source": f"{step.heading()} {step.detail()}".strip(), "baton": {}}
    test = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filters": [told], "filterBranches": []}
    return {
        "type": "LIST_BRANCH", "listBranches": [{"branchName": label, "filterBranch": test} for label in ways[:-1]], "defaultBranchName": ways[-1],
        "ways": ways,
    }  # fmt: skip


def _single(number: str, said: Stored, version: int = 0) -> Action:
    return {"type": "SINGLE_CONNECTION", "actionTypeId": number, "actionTypeVersion": version, "fields": said}


def _wait(_step: Step, stored: Stored) -> Said:
    minutes = stored["days"] * 1440 + stored["hours"] * 60 + stored["minutes"]
    return _single(WAIT, {"delta": str(minutes), "time_unit": "MINUTES"})


def _wait_date(step: Step, stored: Stored) -> Said:
    if stored["of"] == "property":
        date: Shape = {"type": "OBJECT_PROPERTY", "propertyName": words.theirs(step.object_type, stored["property"])}
    else:
        date = {"type": "STATIC_VALUE", "staticValue": stored["date"]}
    days = stored["days"] * (-1 if stored["side"] == "before" else 1)
    hour, _colon, minute = stored["time"].partition(":")
    at = {"time_of_day": {"hour": int(hour), "minute": int(minute)}} if stored["time"] else {}
    return _single(WAIT_DATE, {"date": date, "delta": str(days), "time_unit": "DAYS", **at})


def _set(step: Step, stored: Stored) -> Said:
    definition = properties.definitions(step.object_type).get(stored["property"])
    if definition is None or stored["record"] not in ("", step.object_type):
        return None
    said = words.value_out(step.object_type, definition.name, stored["value"]) or ""
    value: Shape | None = {
        "set": {"type": "STATIC_VALUE", "staticValue": said}, "clear": {"type": "STATIC_VALUE", "staticValue": ""},
        "add": {"type": "STATIC_APPEND_VALUE", "staticAppendValue": said}, "now": {"type": "TIMESTAMP", "timestampType": "EXECUTION_TIME"},
    }.get(stored["how"])  # fmt: skip
    return None if value is None else _single(SET, {"property_name": words.theirs(step.object_type, definition.name), "value": value})


def _mail(_step: Step, stored: Stored) -> Said:
    return None if stored["email"] is None else _single(MAIL, {"content_id": str(stored["email"])})


def _notify(_step: Step, stored: Stored) -> Said:
    if stored["to"] == "users" and stored["users"]:
        whom: Shape = {"user_ids": [str(user) for user in stored["users"]]}
    elif stored["to"] == "owner":
        whom = {"user_ids": [], "owner_properties": [OWNER]}
    else:
        return None
    return _single(NOTIFY_MAIL if stored["mail"] else NOTIFY, {**whom, "subject": stored["title"], "body": stored["message"]})


def _values(step: Step, stored: Stored) -> Said:
    if stored["of"] != "property" or not stored["values"] or stored["property"] not in properties.definitions(step.object_type):
        return None
    name = stored["property"]
    ways = [label for label, _name in step.ways()]
    branches = [{"branchValue": words.value_out(step.object_type, name, stored["values"][label]) or ""} for label in ways[:-1]]
    asked = {"type": "OBJECT_PROPERTY", "propertyName": words.theirs(step.object_type, name)}
    return {"type": "STATIC_BRANCH", "inputValue": asked, "staticBranches": branches, "ways": ways}


def _split(step: Step, stored: Stored) -> Said:
    shares = sorted(stored["shares"].values())
    ways = [label for label, _name in step.ways()]
    return {"type": "AB_TEST_BRANCH", "testBranches": [{}] * len(ways), "ways": ways} if shares and shares[-1] - shares[0] <= 1 and len(ways) <= 5 else None


def _branch(step: Step, stored: Stored) -> Said:
    if not stored["filter"] or [label for label, _name in step.ways()] != ["yes", "no"]:
        return None
    one = {"branchName": "yes", "filterBranch": test(stored["filter"], step.object_type)}
    return {"type": "LIST_BRANCH", "listBranches": [one], "defaultBranchName": "no", "ways": ["yes", "no"]}


def test(stored: Stored, object_type: str) -> Shape:
    """A filter as a branch of filters; about other records than contacts it is carried whole."""
    if object_type == "contact":
        return branches_out.write(stored)
    told = {"filterType": "CONSTANT", "shouldAccept": True, "source": filters.sentence(stored, object_type), "baton": stored}
    inner = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filters": [told], "filterBranches": []}
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [inner]}


def _add(_step: Step, stored: Stored) -> Said:
    if not stored.get("segment"):
        return None
    return _single(LIST_ADD, {"targetObject": "{{ enrolled_object }}", "listId": str(stored["segment"])}, LIST_VERSION)


def _remove(_step: Step, stored: Stored) -> Said:
    return _single(LIST_OLD, {"list_id": str(stored["segment"]), "operation": "REMOVE"}) if stored.get("segment") else None


def _task(_step: Step, stored: Stored) -> Said:
    hour, _colon, minute = stored["at"].partition(":")
    due = {"delta": str(stored["days"]), "timeUnit": "DAYS", "timeOfDay": {"hour": int(hour), "minute": int(minute)}}
    said = {"task_type": "TODO", "subject": stored["title"], "body": stored["text"], "priority": "NONE", "due_time": due}
    return _single(TASK, {**said, "associations": [], "use_explicit_associations": "false"})


def _rotate(_step: Step, stored: Stored) -> Said:
    if stored["how"] != "team" or not stored["team"]:
        return None
    always = "true" if stored["when"] == "always" else "false"
    return _single(ROTATE, {"team_ids": [str(stored["team"])], "target_property": OWNER, "overwrite_current_owner": always})


def _webhook(_step: Step, stored: Stored) -> Said:
    if stored["method"] not in ("GET", "POST"):
        return None
    return {"type": "WEBHOOK", "method": stored["method"], "webhookUrl": stored["url"], "queryParams": []}


def _copy(step: Step, stored: Stored) -> Said:
    (of, _dot, source), (whose, _dot, to) = stored["source"].partition("."), stored["to"].partition(".")
    if of != step.object_type or whose != step.object_type:
        return None
    value = {"type": "OBJECT_PROPERTY", "propertyName": words.theirs(step.object_type, source)}
    return _single(SET, {"property_name": words.theirs(step.object_type, to), "value": value})


def _change(step: Step, stored: Stored) -> Said:
    if not stored["property"] or stored["record"] not in ("", step.object_type):
        return None
    amount = stored["by"] * (-1 if stored["how"] == "decrease" else 1)
    value = {"type": "INCREMENT", "incrementAmount": str(int(amount) if float(amount).is_integer() else amount)}
    return _single(SET, {"property_name": words.theirs(step.object_type, stored["property"]), "value": value})


WORDS: dict[str, Callable[[Step, Stored], Said]] = {
    "wait": _wait, "wait_until_date": _wait_date, "set_property": _set, "send_email": _mail, "notify": _notify, "branch": _branch, "branch_value": _values,
    "split_random": _split, "add_to_list": _add, "remove_from_list": _remove, "create_task": _task, "webhook": _webhook, "copy_property": _copy,
    "change_number": _change, "assign_owner": _rotate,
}  # fmt: skip
