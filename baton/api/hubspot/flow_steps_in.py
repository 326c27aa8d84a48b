"""HubSpot's actions as steps. What HubSpot can say and Baton cannot do is refused with its place, never dropped."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from baton.api.hubspot import branches, flow_steps_out, words
from baton.api.hubspot import flow_words as fw
from baton.api.hubspot.flow_words import HOLDS, METHODS, MINUTES, OWN, WIRES, mapping, number, one_of, only, refused, rows
from baton.automation.field import faults
from baton.automation.step import steps
from baton.crm import properties
from baton.crm.models import PropertyDefinition

Stored = dict[str, Any]
Given = Mapping[str, Any]
Wire = tuple[Stored, str, Any, str]  # the branch it leaves, the label of the way, the connection, its place
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOKEN = re.compile(r"{{\s*([A-Za-z_]\w*)\.([\w.]+)\s*}}")


def step(action: Given, id: str, at: str, object_type: str) -> tuple[Stored, list[Wire] | None]:
    """A step, and if it is a branch its ways. Where the words still say what Baton's own form in `baton` says, that form stands."""
    if isinstance(action.get("baton"), Mapping):
        found = _as_it_was(action, id, object_type)
        if found is not None:
            return found
    return words_in(action, id, at, object_type)


def words_in(action: Given, id: str, at: str, object_type: str) -> tuple[Stored, list[Wire] | None]:
    """By HubSpot's words alone."""
    kind = str(action["type"])
    only(action, HOLDS[kind] | WIRES, at)
    match kind:
        case "SINGLE_CONNECTION":
            return {"id": id, **_single(action, at, object_type)}, None
        case "LIST_BRANCH":
            return _lists(action, id, at, object_type)
        case "STATIC_BRANCH":
            return _values(action, id, at, object_type)
        case "AB_TEST_BRANCH":
            return _split(action, id, at)
        case "WEBHOOK":
            return {"id": id, **_webhook(action, at)}, None
    raise refused("Code of one's own (CUSTOM_CODE) does not run in Baton; call a web address (WEBHOOK) instead.", f"{at}.type")


def _as_it_was(action: Given, id: str, object_type: str) -> tuple[Stored, list[Wire] | None] | None:
    """The step that Baton wrote down itself; None when its words were changed since, or it cannot be read."""
    stored = {str(name): value for name, value in action["baton"].items() if name not in ("id", "paths")}
    kind = steps().get(str(stored.pop("type", "")))
    if kind is None:
        return None
    try:
        made = kind.model_validate({**stored, "id": id})
    except ValidationError:
        return None
    made._leads = object_type
    said = flow_steps_out.bare(made)
    ways = said.pop("ways", None)
    if _without_wires(said) != _without_wires(action):
        return None
    found = {"id": id, "type": made.key, **stored}
    if ways is None:
        return found, None
    found["paths"] = []
    return found, [(found, label, given, "actions") for label, given in zip(ways, _ends(action), strict=False)]


def _ends(action: Given) -> list[Any]:
    """The connections of a branch in the order of its ways, the default at the end."""
    if action["type"] == "AB_TEST_BRANCH":
        return list(action.get("testBranches") or [])
    return [one.get("connection") for one in action.get("listBranches") or action.get("staticBranches") or []] + [action.get("defaultBranch")]


def _without_wires(action: Given) -> Any:
    """What an action says, without where it leads."""
    said = {name: value for name, value in action.items() if name not in WIRES and value not in (None, "")}
    for name in ("listBranches", "staticBranches"):
        if isinstance(said.get(name), list):
            said[name] = [{k: v for k, v in one.items() if k != "connection"} if isinstance(one, Mapping) else one for one in said[name]]
    if isinstance(said.get("testBranches"), list):
        said["testBranches"] = len(said["testBranches"])
    return said


def _single(action: Given, at: str, object_type: str) -> Stored:
    kind, here = str(action.get("actionTypeId", "")), f"{at}.fields"
    fields = mapping(action.get("fields") or {}, here)
    match kind:
        case fw.WAIT:
            only(fields, {"delta", "time_unit"}, here)
            return _wait(number(fields.get("delta"), f"{here}.delta") * MINUTES[one_of(fields.get("time_unit", "MINUTES"), MINUTES, f"{here}.time_unit")])
        case fw.WAIT_DATE:
            return _wait_date(fields, here, object_type)
        case fw.SET:
            return _set(fields, here, object_type)
        case fw.MAIL:
            only(fields, {"content_id"}, here)
            return {"type": "send_email", "email": number(fields.get("content_id"), f"{here}.content_id")}
        case fw.NOTIFY_MAIL | fw.NOTIFY:
            return _notify(fields, here, by_mail=kind == fw.NOTIFY_MAIL)
        case fw.TASK:
            return _task(fields, here)
        case fw.LIST_OLD:
            only(fields, {"list_id", "operation"}, here)
            word = one_of(fields.get("operation", "ADD"), ("ADD", "REMOVE"), f"{here}.operation")
            return {"type": "add_to_list" if word == "ADD" else "remove_from_list", "segment": number(fields.get("list_id"), f"{here}.list_id")}
        case fw.LIST_ADD:
            only(fields, {"targetObject", "listId"}, here)
            if str(fields.get("targetObject") or "{{ enrolled_object }}").replace(" ", "") != "{{enrolled_object}}":
                raise refused("Only whoever is enrolled can be added to a list.", f"{here}.targetObject")
            return {"type": "add_to_list", "segment": number(fields.get("listId"), f"{here}.listId")}
        case fw.ROTATE:
            return _rotate(fields, here)
    if kind.startswith(OWN) and kind.removeprefix(OWN) in steps():
        return _own(kind.removeprefix(OWN), fields, here)
    raise refused(f"Actions {kind[:50] or '(none)'} are not supported.", f"{at}.actionTypeId")


def _own(key: str, fields: Given, at: str) -> Stored:
    """An action that only Baton has."""
    try:
        steps()[key].model_validate({**fields, "id": "s"})
    except ValidationError as error:
        raise refused("; ".join(f"{p.path}: {p.message}" for p in faults(error, "")), at) from None
    return {"type": key, **fields}


def _wait(minutes: int) -> Stored:
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return {"type": "wait", "days": days, "hours": hours, "minutes": minutes}


def _wait_date(fields: Given, at: str, object_type: str) -> Stored:
    only(fields, {"date", "delta", "time_unit", "time_of_day"}, at)
    date = mapping(fields.get("date"), f"{at}.date")
    made: Stored = {"type": "wait_until_date", "time": ""}
    if date.get("type") == "OBJECT_PROPERTY":
        made |= {"of": "property", "property": _property(date.get("propertyName"), f"{at}.date.propertyName", object_type).name}
    elif date.get("type") == "STATIC_VALUE":
        moment = words.as_moment(date.get("staticValue"))
        day = moment.date() if moment else words.as_day(str(date.get("staticValue")))
        if day is None:
            raise refused("Expected a day or milliseconds since 1970.", f"{at}.date.staticValue")
        made |= {"of": "date", "date": day.isoformat()}
    else:
        raise refused(f"A day of type {str(date.get('type'))[:50]} is not supported.", f"{at}.date.type")
    delta, unit = str(fields.get("delta") or "0"), one_of(fields.get("time_unit", "DAYS"), MINUTES, f"{at}.time_unit")
    minutes = number(delta.removeprefix("-"), f"{at}.delta") * MINUTES[unit]
    if minutes % MINUTES["DAYS"]:
        raise refused("Only whole days before or after a day can be waited for.", f"{at}.delta")
    made |= {"days": minutes // MINUTES["DAYS"], "side": "on" if not minutes else "before" if delta.startswith("-") else "after"}
    if fields.get("time_of_day"):
        made["time"] = _clock(fields["time_of_day"], f"{at}.time_of_day")
    return made


def _set(fields: Given, at: str, object_type: str) -> Stored:
    only(fields, {"property_name", "value"}, at)
    definition = _property(fields.get("property_name"), f"{at}.property_name", object_type)
    value = mapping(fields.get("value"), f"{at}.value")
    match value.get("type"):
        case "STATIC_VALUE":
            only(value, {"type", "staticValue"}, f"{at}.value")
            given = value.get("staticValue")
            if given in (None, ""):
                return {"type": "set_property", "property": definition.name, "how": "clear"}
            return {"type": "set_property", "property": definition.name, "how": "set", "value": _value(definition, given, object_type)}
        case "STATIC_APPEND_VALUE":
            only(value, {"type", "staticAppendValue"}, f"{at}.value")
            return {"type": "set_property", "property": definition.name, "how": "add", "value": _value(definition, value.get("staticAppendValue"), object_type)}
        case "TIMESTAMP":
            only(value, {"type", "timestampType"}, f"{at}.value")
            return {"type": "set_property", "property": definition.name, "how": "now"}
        case "OBJECT_PROPERTY":
            only(value, {"type", "propertyName"}, f"{at}.value")
            source = _property(value.get("propertyName"), f"{at}.value.propertyName", object_type)
            return {"type": "copy_property", "source": f"{object_type}.{source.name}", "to": f"{object_type}.{definition.name}", "if_empty": "clear"}
        case "INCREMENT":
            only(value, {"type", "incrementAmount"}, f"{at}.value")
            try:
                amount = float(value.get("incrementAmount") or 0)
            except (TypeError, ValueError):
                raise refused("Expected a number.", f"{at}.value.incrementAmount") from None
            return {"type": "change_number", "property": definition.name, "how": "decrease" if amount < 0 else "increase", "by": abs(amount)}
    raise refused(f"Values of type {str(value.get('type'))[:50]} are not supported.", f"{at}.value.type")


def _value(definition: PropertyDefinition, given: Any, object_type: str) -> Any:
    """As it is stored in a step: JSON, days and moments as text."""
    found = words.value_in(object_type, definition, given)
    return found.isoformat() if hasattr(found, "isoformat") else found


def _property(name: Any, at: str, object_type: str) -> PropertyDefinition:
    found = properties.definitions(object_type).get(words.ours(object_type, str(name)))
    if found is None:
        raise refused(f"Property {str(name)[:100]!r} does not exist", at)
    return found


def _notify(fields: Given, at: str, *, by_mail: bool) -> Stored:
    only(fields, {"user_ids", "owner_properties", "subject", "body", "delivery_method"}, at)
    users = [number(one, f"{at}.user_ids.{n}") for n, one in enumerate(rows(fields.get("user_ids"), f"{at}.user_ids"))]
    owners = rows(fields.get("owner_properties"), f"{at}.owner_properties")
    if owners not in ([], [fw.OWNER]):
        raise refused(f"Only {fw.OWNER} says who looks after a record.", f"{at}.owner_properties")
    if bool(users) == bool(owners):
        raise refused("Name either users or the owner; for both use two actions.", f"{at}.user_ids")
    made: Stored = {"to": "users", "users": users} if users else {"to": "owner"}
    subject, body = _text(fields.get("subject"), f"{at}.subject"), _text(fields.get("body"), f"{at}.body")
    return {"type": "notify", **made, "title": subject, "message": body, "why": False, "mail": by_mail}


def _task(fields: Given, at: str) -> Stored:
    only(fields, {"task_type", "subject", "body", "priority", "due_time", "use_explicit_associations", "associations"}, at)
    for n, one in enumerate(rows(fields.get("associations"), f"{at}.associations")):
        if mapping(mapping(one, at).get("value") or {}, at).get("type") != "ENROLLED_OBJECT":
            raise refused("A task is linked with whoever is enrolled only.", f"{at}.associations.{n}")
    one_of(fields.get("task_type") or "TODO", ("TODO",), f"{at}.task_type")
    one_of(fields.get("priority") or "NONE", ("NONE",), f"{at}.priority")
    made: Stored = {"type": "create_task", "title": _text(fields.get("subject"), f"{at}.subject"), "text": _text(fields.get("body"), f"{at}.body")}
    if fields.get("due_time"):
        here = f"{at}.due_time"
        due = mapping(fields["due_time"], here)
        only(due, {"delta", "timeUnit", "timeOfDay"}, here)
        minutes = number(due.get("delta") or 0, f"{here}.delta") * MINUTES[one_of(due.get("timeUnit", "DAYS"), MINUTES, f"{here}.timeUnit")]
        if minutes % MINUTES["DAYS"]:
            raise refused("A task is due after whole days.", f"{here}.delta")
        made["days"] = minutes // MINUTES["DAYS"]
        if due.get("timeOfDay"):
            made["at"] = _clock(due["timeOfDay"], f"{here}.timeOfDay")
    return made


def _clock(given: Any, at: str) -> str:
    clock = mapping(given, at)
    hour, minute = (number(clock.get(part, 0), f"{at}.{part}") for part in ("hour", "minute"))
    if hour > 23 or minute > 59:
        raise refused("There is no such time of day.", at)
    return f"{hour:02}:{minute:02}"


def _rotate(fields: Given, at: str) -> Stored:
    only(fields, {"team_ids", "target_property", "overwrite_current_owner"}, at)
    if str(fields.get("target_property") or fw.OWNER) != fw.OWNER:
        raise refused(f"Only {fw.OWNER} is given in turn.", f"{at}.target_property")
    teams = [number(one, f"{at}.team_ids.{n}") for n, one in enumerate(rows(fields.get("team_ids"), f"{at}.team_ids"))]
    if len(teams) != 1:
        raise refused("Name one team.", f"{at}.team_ids")
    always = str(fields.get("overwrite_current_owner")).lower() == "true"
    return {"type": "assign_owner", "how": "team", "team": teams[0], "when": "always" if always else "unowned"}


def _text(given: Any, at: str) -> str:
    """A text whose tokens become merge fields."""

    def field(found: re.Match[str]) -> str:
        if found[1] == "enrolled_object" and "." not in found[2]:
            return f"{{{{ contact.{words.ours('contact', found[2])} }}}}"
        if found[1] in ("enrolled_object", "enrollment_events", "fetched_objects"):
            raise refused(f"{found[0][:80]} is not supported.", at)
        return found[0]

    return TOKEN.sub(field, str(given or ""))


def _webhook(action: Given, at: str) -> Stored:
    method = one_of(action.get("method", "POST"), METHODS, f"{at}.method")
    only({"authSettings": action.get("authSettings"), "queryParams": action.get("queryParams")}, (), at)
    return {"type": "webhook", "method": method, "url": str(action.get("webhookUrl") or ""), "paths": []}


def _lists(action: Given, id: str, at: str, object_type: str) -> tuple[Stored, list[Wire]]:
    """Ways by filters: the first that holds; of more than one each is a branch in the last way of the one before."""
    given = rows(action.get("listBranches"), f"{at}.listBranches")
    if not given:
        raise refused("A branch has at least one filter.", f"{at}.listBranches")
    root: Stored | None = None
    wires: list[Wire] = []
    last: Stored = {}
    for n, one in enumerate(given):
        here = f"{at}.listBranches.{n}"
        only(mapping(one, here), {"branchName", "filterBranch", "connection"}, here)
        asked = branches.read(one.get("filterBranch") or {}, at=f"{here}.filterBranch", of=object_type)
        made: Stored = {"id": f"{id}-{n + 1}" if n else id, "type": "branch", "filter": asked, "paths": []}
        name = str(one.get("branchName") or "")
        if name and name != "yes":
            made["name"] = name[:200]
        if root is None:
            root = made
        else:
            made["nested"] = True
            last["paths"].append({"label": "no", "steps": [made]})
        wires.append((made, "yes", one.get("connection"), f"{here}.connection"))
        last = made
    wires.append((last, "no", action.get("defaultBranch"), f"{at}.defaultBranch"))
    assert root is not None
    return root, wires


def _values(action: Given, id: str, at: str, object_type: str) -> tuple[Stored, list[Wire]]:
    """Ways by the value of a property."""
    asked = mapping(action.get("inputValue"), f"{at}.inputValue")
    if asked.get("type") != "OBJECT_PROPERTY":
        raise refused(f"Branches by {str(asked.get('type'))[:50]} are not supported.", f"{at}.inputValue.type")
    definition = _property(asked.get("propertyName"), f"{at}.inputValue.propertyName", object_type)
    given = rows(action.get("staticBranches"), f"{at}.staticBranches")
    if not 1 <= len(given) < len(LETTERS):
        raise refused(f"A branch by value has 1 to {len(LETTERS) - 1} values.", f"{at}.staticBranches")
    made: Stored = {"id": id, "type": "branch_value", "of": "property", "property": definition.name, "values": {}, "paths": []}
    wires: list[Wire] = []
    for letter, (n, one) in zip(LETTERS, enumerate(given), strict=False):
        here = f"{at}.staticBranches.{n}"
        only(mapping(one, here), {"branchValue", "connection"}, here)
        made["values"][letter] = str(words.word_in(object_type, definition.name, str(one.get("branchValue", ""))))
        wires.append((made, letter, one.get("connection"), f"{here}.connection"))
    wires.append((made, "other", action.get("defaultBranch"), f"{at}.defaultBranch"))
    return made, wires


def _split(action: Given, id: str, at: str) -> tuple[Stored, list[Wire]]:
    """Equal parts by lot."""
    given = rows(action.get("testBranches"), f"{at}.testBranches")
    if not 2 <= len(given) <= 5:
        raise refused("2 to 5 ways can be tried.", f"{at}.testBranches")
    letters = LETTERS[: len(given)]
    whole, rest = divmod(100, len(given))
    made: Stored = {"id": id, "type": "split_random", "shares": {one: whole + (n < rest) for n, one in enumerate(letters)}, "paths": []}
    return made, [(made, letter, one, f"{at}.testBranches.{n}") for n, (letter, one) in enumerate(zip(letters, given, strict=True))]
