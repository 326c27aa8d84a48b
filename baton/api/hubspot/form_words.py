"""A form's definition in HubSpot's words, both ways: field groups, dependent fields, what happens after sending, legal texts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from baton.api.errors import Failure
from baton.api.hubspot import words
from baton.crm import properties
from baton.crm.models import PropertyType
from baton.forms.definition import CHOICES, NOTICE, Definition, options

Shape = dict[str, Any]

# What a field is asked by, in HubSpot's words and ours.
FIELDS = {
    "email": "email", "phone": "phone", "mobile_phone": "mobile", "single_line_text": "text", "multi_line_text": "textarea", "number": "number",
    "single_checkbox": "boolean", "multiple_checkboxes": "multi_choice", "dropdown": "choice", "radio": "radio", "datepicker": "date", "file": "file",
}  # fmt: skip
OUT = {mine: word for word, mine in FIELDS.items()} | {"url": "single_line_text", "hidden": "single_line_text", "datetime": "datepicker"}
OLD = {  # the same in the words of version 2: type, fieldType
    "email": ("string", "text"), "phone": ("string", "phonenumber"), "mobile": ("string", "phonenumber"), "text": ("string", "text"),
    "textarea": ("string", "textarea"), "url": ("string", "text"), "hidden": ("string", "text"), "number": ("number", "number"),
    "boolean": ("bool", "booleancheckbox"), "multi_choice": ("enumeration", "checkbox"), "choice": ("enumeration", "select"),
    "radio": ("enumeration", "radio"), "date": ("date", "date"), "datetime": ("datetime", "date"), "file": ("string", "file"),
}  # fmt: skip
GROUPS = {"default_group": "always", "progressive": "if_unknown", "queued": "queued"}
ASK = {mine: word for word, mine in GROUPS.items()}
OPERATORS = {
    "eq": "is", "set_eq": "is", "neq": "is_not", "set_neq": "is_not", "contains": "contains", "set_any": "any_of", "gt": "gt", "lt": "lt",
    "is_not_empty": "known",
}  # fmt: skip
BACK = {"is": "eq", "is_not": "neq", "contains": "contains", "any_of": "set_any", "gt": "gt", "lt": "lt", "known": "is_not_empty"}
CHANNELS = {1: "email", 2: "kakaotalk", 3: "sms"}  # subscription types
SHOWN = "richtext"


# In ------------------------------------------------------------------------------


def fields(groups: Any) -> list[Shape]:
    """The fields of all groups in order, dependent ones behind those they depend on. Raises Failure 400 for what Baton has not."""
    if not isinstance(groups, list):
        raise _wrong("fieldGroups: expected a list.")
    made: list[Shape] = []
    for number, group in enumerate(groups):
        if not isinstance(group, dict):
            raise _wrong("fieldGroups: expected objects.")
        if text := str(group.get("richText") or ""):
            made.append({"name": f"text_{number}", "type": SHOWN, "text": text})
        ask = GROUPS.get(str(group.get("groupType") or "default_group"), "always")
        for field in group.get("fields") or []:
            made += _with_dependents(field, ask, None)
    return made


def _with_dependents(field: Any, ask: str, when: Shape | None) -> Iterator[Shape]:
    one = _field_in(field, ask)
    if when is not None:
        one["when"] = {"all": [when]}
    yield one
    for dependent in field.get("dependentFields") or []:
        condition = dependent.get("dependentCondition") if isinstance(dependent, dict) else None
        if not isinstance(condition, dict) or condition.get("operator") not in OPERATORS:
            operator = condition.get("operator") if isinstance(condition, dict) else None
            raise _wrong(f"Dependent fields with the operator {str(operator)[:50]} are not supported.")
        test = {"field": one["name"], "operator": OPERATORS[condition["operator"]]}
        if test["operator"] == "any_of":
            test["value"] = [str(value) for value in condition.get("values") or []]
        elif test["operator"] != "known":
            test["value"] = str(condition.get("value") or next(iter(condition.get("values") or []), ""))
        yield from _with_dependents(dependent.get("dependentField"), ask, test)


def _field_in(field: Any, ask: str) -> Shape:
    kind = FIELDS.get(str(field.get("fieldType"))) if isinstance(field, dict) else None
    if kind is None:
        raise _wrong(f"Fields of type {str(field.get('fieldType') if isinstance(field, dict) else field)[:50]} are not supported.")
    name = words.ours("contact", str(field.get("name", "")))
    there = properties.definitions("contact").get(name)
    if kind == "choice" and there is not None and there.type == PropertyType.MULTI_CHOICE:
        kind = "multi_choice"
    one: Shape = {"name": name, "label": str(field.get("label") or name), "type": "hidden" if field.get("hidden") else kind}
    if ask != "always" and one["type"] not in ("hidden", "file") and name != "email":
        one["ask"] = ask
    if field.get("required"):
        one["required"] = True
    for theirs, mine in (("placeholder", "placeholder"), ("description", "help"), ("defaultValue", "default")):
        if field.get(theirs):
            one[mine] = str(field[theirs])
    if kind in CHOICES and (given := field.get("options")):
        one["options"] = [{"value": str(o.get("value", "")), "label": str(o.get("label", ""))} for o in given if isinstance(o, dict)]
    if field.get("defaultValues"):
        one["default"] = [str(value) for value in field["defaultValues"]]
    if rules := _rules_in(kind, field.get("validation")):
        one["rules"] = rules
    return one


def _rules_in(kind: str, given: Any) -> Shape:
    made: Shape = {}
    if isinstance(given, dict) and kind == "email":
        if given.get("blockedEmailDomains"):
            made["blocked_domains"] = [str(domain) for domain in given["blockedEmailDomains"]]
        if given.get("useDefaultBlockList"):
            made["business_only"] = True
    if isinstance(given, dict) and kind in ("phone", "mobile") and isinstance(given.get("minAllowedDigits"), int) and given["minAllowedDigits"]:
        made["min_digits"] = given["minAllowedDigits"]
    return made


def settings(configuration: Mapping[str, Any], look: Mapping[str, Any], legal: Mapping[str, Any]) -> Shape:
    """What of configuration, look and legal texts Baton knows, as parts of a definition."""
    made: Shape = {}
    if configuration.get("language") in ("ko", "en"):
        made["language"] = configuration["language"]
    after = configuration.get("postSubmitAction")
    if isinstance(after, dict) and isinstance(after.get("value"), str):
        made["after"] = (
            {"kind": "redirect", "redirect_url": after["value"]} if after.get("type") == "redirect_url" else {"kind": "thanks", "thanks": after["value"]}
        )
    if "notifyContactOwner" in configuration or "notifyRecipients" in configuration:
        users = [int(one) for one in configuration.get("notifyRecipients") or [] if str(one).isascii() and str(one).isdigit()]
        made["notify"] = {"owner": bool(configuration.get("notifyContactOwner")), "users": users}
    if isinstance(look.get("submitButtonText"), str):
        made["submit_label"] = look["submitButtonText"]
    if legal.get("type"):
        made["consent"] = _consent_in(legal)
    return made


def _consent_in(legal: Mapping[str, Any]) -> Shape:
    if legal["type"] == "none":
        return {}
    made: Shape = {"boxes": []}
    if legal.get("privacyText"):
        made["notice"] = {"text": str(legal["privacyText"])}
    if legal["type"] == "explicit_consent_to_process":
        text = str(legal.get("consentToProcessText") or "")
        label = str(legal.get("consentToProcessCheckboxLabel") or text or "I agree")
        made["boxes"].append({"key": "processing", "kind": "processing", "label": label, "text": text, "required": True})
        made.setdefault("notice", {"text": text or label})
    boxes = legal.get("communicationsCheckboxes")
    for number, box in enumerate(boxes if isinstance(boxes, list) else []):
        if isinstance(box, dict):
            channel = CHANNELS.get(box.get("subscriptionTypeId") or 1, "email")
            key = channel if all(one["key"] != channel for one in made["boxes"]) else f"{channel}_{number}"
            made["boxes"].append({"key": key, "kind": "channel", "channel": channel, "label": str(box.get("label") or ""), "required": False})
    return made


# Out -----------------------------------------------------------------------------


def groups(definition: Definition) -> list[Shape]:
    """The field groups: a group for each field; fields that wait for one other field stand under that."""
    under: dict[str, list[Shape]] = {}
    for field in definition["fields"]:
        if parent := _parent(field):
            under.setdefault(parent, []).append(field)
    made = []
    for field in definition["fields"]:
        if field["type"] in ("heading", "paragraph", SHOWN):
            made.append({"groupType": "default_group", "richTextType": "text", "richText": field["text"] or field.get("label", ""), "fields": []})
        elif not _parent(field):
            made.append({"groupType": ASK[field["ask"]], "richTextType": "text", "fields": [_field(field, under)]})
    return made


def _parent(field: Shape) -> str:
    tests: list[Shape] = next(iter(field["when"].values()), []) if field["when"] else []
    return str(tests[0]["field"]) if len(tests) == 1 and tests[0]["operator"] in BACK else ""


def _field(field: Shape, under: Mapping[str, Iterable[Shape]]) -> Shape:
    body: Shape = {
        "objectTypeId": "0-1",
        "name": words.theirs("contact", field["name"]),
        "label": field["label"],
        "required": field["required"],
        "hidden": field["type"] == "hidden",
        "fieldType": "mobile_phone" if field["name"] == "mobilephone" else OUT[field["type"]],
        "dependentFields": [{"dependentCondition": _condition(one), "dependentField": _field(one, under)} for one in under.get(field["name"], [])],
    }
    for theirs, mine in (("placeholder", "placeholder"), ("description", "help")):
        if field[mine]:
            body[theirs] = field[mine]
    if field["default"]:
        body["defaultValues" if isinstance(field["default"], list) else "defaultValue"] = field["default"]
    if field["type"] in CHOICES:
        body["options"] = [{"label": option["label"], "value": option["value"], "displayOrder": number} for number, option in enumerate(options(field))]
    if field["type"] == "email":
        body["validation"] = {
            "blockedEmailDomains": field["rules"].get("blocked_domains", []),
            "useDefaultBlockList": bool(field["rules"].get("business_only")),
        }
    elif field["type"] in ("phone", "mobile"):
        body["validation"] = {"minAllowedDigits": int(field["rules"].get("min_digits", 0)), "maxAllowedDigits": 20}
    return body


def _condition(field: Shape) -> Shape:
    test = next(iter(field["when"].values()))[0]
    value = test.get("value", "")
    many = [str(one) for one in value] if isinstance(value, list) else []
    return {"operator": BACK[test["operator"]], "value": "" if many else str(value), "values": many, "rangeStart": "", "rangeEnd": ""}


def configuration(definition: Definition) -> Shape:
    """What happens after sending, who is told, and the rest that HubSpot's clients expect to find."""
    after = definition["after"]
    return {
        "language": definition["language"],
        "createNewContactForNewEmail": True,
        "editable": True,
        "cloneable": True,
        "archivable": True,
        "prePopulateKnownValues": False,
        "allowLinkToResetKnownValues": False,
        "notifyContactOwner": definition["notify"]["owner"],
        "notifyRecipients": [str(id) for id in definition["notify"]["users"]],
        "recaptchaEnabled": bool(definition["spam"]["captcha"]),
        "postSubmitAction": {"type": "redirect_url", "value": after["redirect_url"]}
        if after["kind"] == "redirect"
        else {"type": "thank_you", "value": after["thanks"]},
    }


def consent(definition: Definition) -> Shape:
    """The legal texts and boxes."""
    boxes, notice = definition["consent"]["boxes"], definition["consent"]["notice"]
    privacy = notice["text"] or "\n".join(notice[word] for word in NOTICE if notice[word])
    if not boxes and not privacy:
        return {"type": "none"}
    numbers = {channel: number for number, channel in CHANNELS.items()}
    channels = [
        {"subscriptionTypeId": numbers[box["channel"]], "label": box["label"], "required": box["required"]} for box in boxes if box["kind"] == "channel"
    ]
    body: Shape = {"type": "implicit_consent_to_process", "privacyText": privacy, "communicationsCheckboxes": channels}
    if processing := next((box for box in boxes if box["kind"] == "processing"), None):
        body |= {
            "type": "explicit_consent_to_process", "consentToProcessText": processing["text"] or processing["label"],
            "consentToProcessCheckboxLabel": processing["label"],
        }  # fmt: skip
    return body


def old_field(field: Shape) -> Shape:
    """A field in the words of version 2."""
    kind, field_type = OLD[field["type"]]
    return {
        "name": words.theirs("contact", field["name"]),
        "label": field["label"],
        "type": kind,
        "fieldType": field_type,
        "required": field["required"],
        "hidden": field["type"] == "hidden",
        "options": _field(field, {}).get("options", []),
        "placeholder": field["placeholder"],
        "description": field["help"],
        "defaultValue": field["default"] if isinstance(field["default"], str) else "",
        "enabled": True,
    }


def _wrong(text: str) -> Failure:
    return Failure(400, "VALIDATION_ERROR", text)
