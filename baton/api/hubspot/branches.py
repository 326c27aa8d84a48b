"""Filters of lists: HubSpot's branches of filters into Baton's filter language, and back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from baton.api.errors import Failure
from baton.api.hubspot import words
from baton.crm import properties
from baton.crm.models import PropertyDefinition, PropertyType
from baton.crm.values import stamp
from baton.forms import verbs as forms
from baton.forms.models import Form
from baton.platform.errors import NotFound
from baton.segments import filter as filters

Stored = dict[str, Any]
DEEPEST = 20

TEXTS = {PropertyType.TEXT, PropertyType.EMAIL, PropertyType.PHONE, PropertyType.URL}
CHOICES = {PropertyType.CHOICE, PropertyType.MULTI_CHOICE, PropertyType.USER}
KNOWN = {"IS_KNOWN": "known", "IS_NOT_BLANK": "known", "IS_UNKNOWN": "unknown", "IS_BLANK": "unknown"}
TEXT = {
    "IS_EQUAL_TO": "is", "IS_NOT_EQUAL_TO": "is_not", "CONTAINS": "contains", "DOES_NOT_CONTAIN": "not_contains", "STARTS_WITH": "starts_with",
    "ENDS_WITH": "ends_with", "CONTAINS_EXACTLY": "is", "DOES_NOT_CONTAIN_EXACTLY": "is_not",
}  # fmt: skip
NUMBER = {
    "IS_EQUAL_TO": "is", "IS_NOT_EQUAL_TO": "is_not", "IS_GREATER_THAN": "more_than", "IS_GREATER_THAN_OR_EQUAL_TO": "at_least",
    "IS_LESS_THAN": "less_than", "IS_LESS_THAN_OR_EQUAL_TO": "at_most",
}  # fmt: skip
CHOICE = {"IS_ANY_OF": "any_of", "IS_NONE_OF": "none_of", "CONTAINS_ALL": "all_of", "IS_EXACTLY": "is", "IS_NOT_EXACTLY": "is_not"}
MOMENT = {"IS_EQUAL_TO": "is", "IS_BEFORE_DATE": "before", "IS_AFTER_DATE": "after", "EQUAL": "is", "BEFORE": "before", "AFTER": "after"}
ROLLING = {
    "IS_LESS_THAN_X_DAYS_AGO": "in_last_days", "IS_MORE_THAN_X_DAYS_AGO": "more_than_days_ago", "IS_LESS_THAN_X_DAYS_FROM_NOW": "in_next_days",
    "IS_MORE_THAN_X_DAYS_FROM_NOW": "more_than_days_ahead",
}  # fmt: skip
PAGES = {"HAS_PAGEVIEW_EQ": "is", "HAS_PAGEVIEW_CONTAINS": "contains", "NOT_HAS_PAGEVIEW_EQ": "is", "NOT_HAS_PAGEVIEW_CONTAINS": "contains"}
EMAILS = {"OPENED": "email_opened", "LINK_CLICKED": "email_clicked"}
NEGATIVE = {"is_not", "not_contains", "none_of"}


def read(branch: Mapping[str, Any], depth: int = 0) -> Stored:
    """Baton's filter for a filterBranch. Raises Failure 400 for what Baton cannot ask."""
    if not isinstance(branch, Mapping) or depth > DEEPEST:
        raise _refused("filterBranch: expected an object, nested at most 20 times")
    word = str(branch.get("filterBranchType", "")).upper()
    inner, leaves = branch.get("filterBranches") or [], branch.get("filters") or []
    if not isinstance(inner, list) or not isinstance(leaves, list):
        raise _refused("filters and filterBranches are lists")
    parts = [*(_filter(one) for one in leaves), *(read(one, depth + 1) for one in inner)]
    match word:
        case "OR":
            return {"any": parts}
        case "AND":
            return {"all": parts}
        case "NOT_ALL":
            return {"not": {"all": parts}}
        case "NOT_ANY":
            return {"not": {"any": parts}}
    raise _refused(f"Filter branches of type {word[:50]} are not supported.")


def _filter(one: Any) -> Stored:
    if not isinstance(one, Mapping):
        raise _refused("A filter is an object.")
    word, operator = str(one.get("filterType", "")).upper(), str(one.get("operator", "")).upper()
    match word:
        case "PROPERTY":
            return _property(one)
        case "IN_LIST":
            stored: Stored = {"condition": "in_segment", "segment": _number(one.get("listId"), "listId")}
            return {"not": stored} if operator == "NOT_IN_LIST" else stored
        case "FORM_SUBMISSION":
            stored = {"condition": "form_submitted", **({"form": _form(one["formId"])} if one.get("formId") else {}), **_often(one)}
            return {"not": stored} if operator == "NOT_FILLED_OUT" else stored
        case "PAGE_VIEW" if operator in PAGES:
            stored = {"condition": "page_viewed", "address": str(one.get("pageUrl", "")), "match": PAGES[operator], **_often(one)}
            return {"not": stored} if operator.startswith("NOT_") else stored
        case "EMAIL_EVENT" if operator in EMAILS:
            email = {"email": _number(one["emailId"], "emailId")} if one.get("emailId") else {}
            return {"condition": EMAILS[operator], **email, **_often(one)}
        case "CONSTANT":
            return {"any": []} if not one.get("shouldAccept") else {"not": {"any": []}}
    raise _refused(f"Filters of type {word[:50]} with operator {operator[:50]} are not supported.")


def _often(one: Mapping[str, Any]) -> Stored:
    """How often and in which time, as far as Baton counts it."""
    found: Stored = {}
    for refine in (one.get("coalescingRefineBy"), one.get("pruningRefineBy")):
        if not refine:
            continue
        match str(refine.get("type", "")).upper():
            case "NUM_OCCURRENCES":
                least, most = refine.get("minOccurrences"), refine.get("maxOccurrences")
                found |= {name: _number(value, name) for name, value in (("at_least", least), ("at_most", most)) if value is not None}
            case "RELATIVE_COMPARATIVE" if isinstance(refine.get("timeOffset"), Mapping):
                offset = refine["timeOffset"]
                days = _number(offset.get("amount"), "amount") * (7 if str(offset.get("timeUnit", "")).upper() == "WEEKS" else 1)
                found["days"] = days
            case "ALL_HISTORY":
                pass
            case other:
                raise _refused(f"Refining by {other[:50]} is not supported.")
    return found


def _property(one: Mapping[str, Any]) -> Stored:
    name = words.ours("contact", str(one.get("property", "")))
    definition = properties.definitions("contact").get(name)
    operation = one.get("operation")
    if definition is None:
        raise _refused(f"Property {str(one.get('property'))[:100]!r} does not exist")
    if not isinstance(operation, Mapping):
        raise _refused("A PROPERTY filter needs an operation.")
    operator = str(operation.get("operator", "")).upper()
    stored = _compare(definition, operator, operation)
    if stored.get("operator") in NEGATIVE and not operation.get("includeObjectsWithNoValueSet"):
        return {"all": [stored, {"condition": "property", "property": name, "operator": "known"}]}
    return stored


def _compare(definition: PropertyDefinition, operator: str, operation: Mapping[str, Any]) -> Stored:
    type, name = PropertyType(definition.type), definition.name

    def stored(ours: str, value: Any = None) -> Stored:
        return {"condition": "property", "property": name, "operator": ours, **({} if value is None else {"value": value})}

    if operator in KNOWN:
        return stored(KNOWN[operator])
    if type in TEXTS and operator in TEXT:
        given = operation.get("values") if "values" in operation else [operation.get("value")]
        asked = [str(value) for value in given] if isinstance(given, list) else [str(given)]
        each = [stored(TEXT[operator], value) for value in asked]
        return each[0] if len(each) == 1 else {"all": each} if TEXT[operator] in NEGATIVE else {"any": each}
    if type == PropertyType.NUMBER and operator in NUMBER:
        return stored(NUMBER[operator], _amount(operation.get("value")))
    if type == PropertyType.NUMBER and operator in ("IS_BETWEEN", "IS_NOT_BETWEEN"):
        between = stored("between", [_amount(operation.get("lowerBound")), _amount(operation.get("upperBound"))])
        return between if operator == "IS_BETWEEN" else {"not": between}
    if type == PropertyType.BOOLEAN and operator in ("IS_EQUAL_TO", "IS_NOT_EQUAL_TO"):
        return stored("is" if operator == "IS_EQUAL_TO" else "is_not", str(operation.get("value")).lower() == "true")
    if type in CHOICES and operator in CHOICE:
        values = [_option(definition, value) for value in operation.get("values") or []]
        ours = CHOICE[operator]
        if ours in ("is", "is_not"):
            return stored(ours, values if type == PropertyType.MULTI_CHOICE else values[0] if values else "")
        if ours == "all_of" and type != PropertyType.MULTI_CHOICE:
            return {"all": [stored("is", value) for value in values]}
        return stored(ours, values)
    if type in (PropertyType.DATE, PropertyType.DATETIME):
        if operator in ROLLING:
            return stored(ROLLING[operator], _number(operation.get("numberOfDays"), "numberOfDays"))
        if operator in MOMENT:
            return stored(MOMENT[operator], _moment(type, operation))
        if operator in ("IS_BETWEEN", "IS_NOT_BETWEEN"):
            between = stored("between", [_moment(type, {"timestamp": operation.get(bound)}) for bound in ("lowerBound", "upperBound")])
            return between if operator == "IS_BETWEEN" else {"not": between}
    raise _refused(f"The operator {operator[:50]} is not supported for {words.theirs('contact', name)}.")


def _option(definition: PropertyDefinition, value: Any) -> Any:
    if definition.type == PropertyType.USER:
        return _number(value, "values")
    return words.word_in("contact", definition.name, str(value))


def _moment(type: PropertyType, operation: Mapping[str, Any]) -> str:
    if all(operation.get(part) is not None for part in ("year", "month", "day")):
        try:
            day = date(*(_number(operation[part], part) for part in ("year", "month", "day")))
        except ValueError:
            raise _refused("There is no such day.") from None
        return day.isoformat() if type == PropertyType.DATE else stamp(datetime(day.year, day.month, day.day, tzinfo=UTC))
    moment = words.as_moment(operation.get("timestamp"))
    if moment is None:
        raise _refused("Expected milliseconds since 1970.")
    return moment.date().isoformat() if type == PropertyType.DATE else stamp(moment)


def _amount(value: Any) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _refused(f"{str(value)[:50]} is no number.") from None
    if not abs(number) < 1e15:
        raise _refused(f"{str(value)[:50]} is no number Baton can hold.")
    return int(number) if number.is_integer() else number


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit() or len(str(value)) > 18:
        raise _refused(f"{name}: expected a whole number, got {str(value)[:50]!r}")
    return int(value)


def _form(guid: Any) -> int:
    try:
        return forms.by_guid(str(guid), archived=True).pk
    except NotFound:
        raise _refused(f"There is no form {str(guid)[:50]}.") from None


def _refused(text: str) -> Failure:
    return Failure(400, "VALIDATION_ERROR", text, subCategory="ILS.INVALID_FILTER", errors=[{"message": text, "in": "filterBranch"}])


def write(stored: Stored) -> dict[str, Any]:
    """The filterBranch of a stored filter: an OR of ANDs. A condition HubSpot has no word for is shown as a constant that says what it asks."""
    alternatives = stored.get("any", [stored])
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [_and(one) for one in alternatives]}


def _and(stored: Stored) -> dict[str, Any]:
    parts: Sequence[Stored] = stored.get("all", [stored])
    return _branch("AND", [one for one in parts if _leaf(one)], [_nested(one) for one in parts if not _leaf(one)])


def _nested(stored: Stored) -> dict[str, Any]:
    if "any" in stored:
        return _branch("OR", [], [_and(one) for one in stored["any"]])
    if "not" in stored:
        return _branch("NOT_ALL", [], [_and(stored["not"])])
    return _and(stored)


def _branch(word: str, leaves: Sequence[Stored], inner: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "filterBranchType": word,
        "filterBranchOperator": "OR" if word == "OR" else "AND",
        "filters": [_out(one) for one in leaves],
        "filterBranches": inner,
    }


def _leaf(stored: Stored) -> bool:
    return "condition" in stored or ("not" in stored and stored["not"].get("condition") in ("in_segment", "form_submitted"))


def _out(stored: Stored) -> dict[str, Any]:
    negated = "not" in stored
    one = stored["not"] if negated else stored
    match one["condition"]:
        case "property" if (found := _operation(one)) is not None:
            return {"filterType": "PROPERTY", "property": words.theirs("contact", one["property"]), "operation": found}
        case "in_segment":
            return {"filterType": "IN_LIST", "listId": str(one["segment"]), "operator": "NOT_IN_LIST" if negated else "IN_LIST"}
        case "form_submitted":
            guid = Form.objects.filter(pk=one["form"]).values_list("guid", flat=True).first() if one.get("form") else None
            return {
                "filterType": "FORM_SUBMISSION",
                **({"formId": str(guid)} if guid else {}),
                "operator": "NOT_FILLED_OUT" if negated else "FILLED_OUT",
                **_refined(one),
            }
        case "page_viewed" if one.get("match", "is") in ("is", "contains"):
            word = "EQ" if one.get("match", "is") == "is" else "CONTAINS"
            return {"filterType": "PAGE_VIEW", "pageUrl": one.get("address", ""), "operator": f"HAS_PAGEVIEW_{word}", **_refined(one)}
        case "email_opened" | "email_clicked" as word:
            email = {"emailId": str(one["email"])} if one.get("email") else {}
            return {"filterType": "EMAIL_EVENT", **email, "operator": "OPENED" if word == "email_opened" else "LINK_CLICKED", **_refined(one)}
    return {"filterType": "CONSTANT", "shouldAccept": True, "source": filters.sentence(stored)}


def _refined(one: Stored) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.get("days"):
        offset = {"offsetDirection": "PAST", "timeUnit": "DAYS", "amount": one["days"]}
        found["pruningRefineBy"] = {"type": "RELATIVE_COMPARATIVE", "comparison": "AFTER", "timeOffset": offset}
    counts = {theirs: one[mine] for mine, theirs in (("at_least", "minOccurrences"), ("at_most", "maxOccurrences")) if one.get(mine) is not None}
    if counts:
        found["coalescingRefineBy"] = {"type": "NUM_OCCURRENCES", **counts}
    return found


def _operation(one: Stored) -> dict[str, Any] | None:
    definition = properties.definitions("contact").get(one["property"])
    if definition is None:
        return None
    type, operator, value = PropertyType(definition.type), one["operator"], one.get("value")
    empty = {"includeObjectsWithNoValueSet": operator in NEGATIVE}
    if operator in ("known", "unknown"):
        return {"operationType": "ALL_PROPERTY", "operator": f"IS_{operator.upper()}", "includeObjectsWithNoValueSet": False}
    if type in TEXTS:
        word = _back(TEXT, operator)
        return {"operationType": "STRING", "operator": word, "value": str(value), **empty} if word else None
    if type == PropertyType.NUMBER:
        if operator == "between" and isinstance(value, list):
            return {"operationType": "NUMBER_RANGED", "operator": "IS_BETWEEN", "lowerBound": value[0], "upperBound": value[1], **empty}
        word = _back(NUMBER, operator)
        return {"operationType": "NUMBER", "operator": word, "value": value, **empty} if word else None
    if type == PropertyType.BOOLEAN:
        return {"operationType": "BOOL", "operator": "IS_EQUAL_TO" if operator == "is" else "IS_NOT_EQUAL_TO", "value": value, **empty}
    if type in CHOICES:
        word = _back(CHOICE, operator)
        values = [words.value_out("contact", definition.name, item) for item in (value if isinstance(value, list) else [value])]
        return {"operationType": "ENUMERATION", "operator": word, "values": values, **empty} if word else None
    if (word := _back(ROLLING, operator)) is not None:
        return {"operationType": "ROLLING_DATE_RANGE", "operator": word, "numberOfDays": value, **empty}
    if (word := _back({key: mine for key, mine in MOMENT.items() if key.startswith("IS_")}, operator)) is not None:
        at = datetime.fromisoformat(str(value)).replace(tzinfo=UTC) if len(str(value)) == 10 else datetime.fromisoformat(str(value))
        return {"operationType": "DATETIME", "operator": word, "timestamp": int(at.timestamp() * 1000), "requiresTimeZoneConversion": False, **empty}
    return None


def _back(table: Mapping[str, str], ours: str) -> str | None:
    return next((word for word, mine in table.items() if mine == ours), None)
