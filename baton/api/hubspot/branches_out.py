"""Filters of lists as HubSpot's branches of filters. What HubSpot has a word for is said by it; anything else is a constant that carries what it asks.

Such a constant holds Baton's own condition in `baton` and its sentence in `source`: sent back, the filter is exactly what it was.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from baton.api.hubspot import words
from baton.crm import properties, types
from baton.crm.models import PropertyType
from baton.forms.models import Form
from baton.segments import filter as filters

from .branch_words import CALENDAR, CHOICE, CHOICES, EVENTS, LINKED, MOMENT, NEGATIVE, NEWS, NUMBER, PRIMARY, ROLLING, TEXT, TEXTS, UNITS

Stored = dict[str, Any]
Branch = dict[str, Any]
OFTEN = {"at_least", "at_most", "days", "until_days", "since", "until"}


def write(stored: Stored) -> Branch:
    """The filterBranch of a stored filter: an OR of ANDs."""
    alternatives = stored.get("any", [stored])
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [_and(one) for one in alternatives]}


def _and(stored: Stored) -> Branch:
    parts: Sequence[Stored] = stored.get("all", [stored])
    return _branch("AND", [one for one in parts if _leaf(one)], [_nested(one) for one in parts if not _leaf(one)])


def _nested(stored: Stored) -> Branch:
    if "any" in stored:
        return _branch("OR", [], [_and(one) for one in stored["any"]])
    if "related" in stored:
        return _association(stored)
    if "not" in stored:
        if "related" in stored["not"]:
            return {**_association(stored["not"]), "operator": "NOT_IN_LIST"}
        return _branch("NOT_ALL", [], [_and(stored["not"])])
    return _and(stored)


def _association(stored: Stored) -> Branch:
    """A linked record for which all filters hold."""
    kind, inner = types.get(stored["related"]), stored.get("filter") or {"all": []}
    parts: Sequence[Stored] = inner.get("all", [inner])
    made = _branch("ASSOCIATION", [], [])
    made |= {
        "filters": [_out(one, kind.key) for one in parts if _leaf(one)], "filterBranches": [_nested_in(one, kind.key) for one in parts if not _leaf(one)],
        "objectTypeId": kind.type_id, "operator": "IN_LIST", "associationCategory": "HUBSPOT_DEFINED",
        "associationTypeId": int(PRIMARY if stored.get("label") == "primary" else LINKED.get(kind.key, "0")),
    }  # fmt: skip
    return made


def _nested_in(stored: Stored, of: str) -> Branch:
    """Groups within what is asked of linked records."""
    word, inner = next(
        (pair for pair in (("OR", stored.get("any")), ("AND", stored.get("all")), ("NOT_ALL", stored.get("not"))) if pair[1] is not None), ("AND", stored)
    )
    parts: Sequence[Stored] = inner if isinstance(inner, list) else [inner] if inner else []
    made = _branch(word, [], [_nested_in(one, of) for one in parts if not _leaf(one)])
    return made | {"filters": [_out(one, of) for one in parts if _leaf(one)]}


def _branch(word: str, leaves: Sequence[Stored], inner: list[Branch]) -> Branch:
    return {
        "filterBranchType": word,
        "filterBranchOperator": "OR" if word == "OR" else "AND",
        "filters": [_out(one) for one in leaves],
        "filterBranches": inner,
    }


def _leaf(stored: Stored) -> bool:
    return "condition" in stored or ("not" in stored and "condition" in stored["not"])


def _out(stored: Stored, of: str = "contact") -> dict[str, Any]:
    negated = "not" in stored
    one = stored["not"] if negated else stored
    made = _said(one, negated, of) if of == "contact" or one["condition"] == "property" else None
    return made or {"filterType": "CONSTANT", "shouldAccept": True, "source": filters.sentence(stored, of), "baton": stored}


def _said(one: Stored, negated: bool, of: str) -> dict[str, Any] | None:
    """The filter in HubSpot's words; None where it has none for all that is asked."""
    fields = {name for name, value in one.items() if name != "condition" and value is not None}
    match one["condition"]:
        case "property" if not negated and not one.get("case") and (found := _operation(one, of)) is not None:
            return {"filterType": "PROPERTY", "property": words.theirs(of, one["property"]), "operation": found}
        case "in_segment" if fields == {"segment"}:
            return {"filterType": "IN_LIST", "listId": str(one["segment"]), "operator": "NOT_IN_LIST" if negated else "IN_LIST"}
        case "form_submitted" if fields <= {"form", *OFTEN}:
            guid = Form.objects.filter(pk=one["form"]).values_list("guid", flat=True).first() if one.get("form") else None
            named = {"formId": str(guid)} if guid else {}
            return {"filterType": "FORM_SUBMISSION", **named, "operator": "NOT_FILLED_OUT" if negated else "FILLED_OUT", **_refined(one)}
        case "page_viewed" if one.get("match", "is") in ("is", "contains") and fields <= {"address", "match", *OFTEN}:
            word = f"{'NOT_' if negated else ''}HAS_PAGEVIEW_{'EQ' if one.get('match', 'is') == 'is' else 'CONTAINS'}"
            return {"filterType": "PAGE_VIEW", "pageUrl": one.get("address", ""), "operator": word, **_refined(one)}
        case "email_opened" | "email_clicked" as word if not negated and fields <= {"email", *OFTEN}:
            email = {"emailId": str(one["email"])} if one.get("email") else {}
            return {"filterType": "EMAIL_EVENT", **email, "operator": "OPENED" if word == "email_opened" else "LINK_CLICKED", **_refined(one)}
        case "news" if not negated and one.get("channel", "email") == "email" and (status := _back(NEWS, one.get("state", "takes"))):
            return {"filterType": "EMAIL_SUBSCRIPTION", "subscriptionIds": [str(one["news"])], "acceptedStatuses": [status]}
        case "cta_clicked" if fields <= {"name", *OFTEN}:
            return {"filterType": "CTA", "ctaName": one.get("name", ""), "operator": "HAS_NOT_CLICKED" if negated else "HAS_CLICKED", **_refined(one)}
        case "event" if fields <= {"event", *OFTEN} and one["event"] in EVENTS.values():
            number = next(key for key, kind in EVENTS.items() if kind == one["event"])
            operator = "HAS_NOT_COMPLETED" if negated else "HAS_COMPLETED"
            return {"filterType": "UNIFIED_EVENTS", "eventTypeId": number, "filterLines": [], "operator": operator, **_refined(one)}
    return None


def _refined(one: Stored) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def ago(days: int) -> dict[str, Any]:
        return {"offsetDirection": "PAST", "timeUnit": "DAYS", "amount": days}

    def ms(moment: str) -> int:
        at = datetime.fromisoformat(moment)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)

    if one.get("days") and one.get("until_days"):
        found["pruningRefineBy"] = {
            "type": "RELATIVE_RANGED", "rangeType": "BETWEEN", "lowerBoundOffset": ago(one["days"]), "upperBoundOffset": ago(one["until_days"])
        }  # fmt: skip
    elif one.get("days") or one.get("until_days"):
        comparison = "AFTER" if one.get("days") else "BEFORE"
        offset = ago(one.get("days") or one["until_days"])
        found["pruningRefineBy"] = {"type": "RELATIVE_COMPARATIVE", "comparison": comparison, "timeOffset": offset}
    elif one.get("since") and one.get("until"):
        bounds = {"lowerTimestamp": ms(one["since"]), "upperTimestamp": ms(one["until"])}
        found["pruningRefineBy"] = {"type": "ABSOLUTE_RANGED", "rangeType": "BETWEEN", **bounds}
    elif one.get("since") or one.get("until"):
        comparison = "AFTER" if one.get("since") else "BEFORE"
        found["pruningRefineBy"] = {"type": "ABSOLUTE_COMPARATIVE", "comparison": comparison, "timestamp": ms(one.get("since") or one["until"])}
    counts = {theirs: one[mine] for mine, theirs in (("at_least", "minOccurrences"), ("at_most", "maxOccurrences")) if one.get(mine) is not None}
    if counts:
        found["coalescingRefineBy"] = {"type": "NUM_OCCURRENCES", **counts}
    return found


def _operation(one: Stored, of: str) -> dict[str, Any] | None:
    definition = properties.definitions(of).get(one["property"])
    if definition is None:
        return None
    type, operator, value = PropertyType(definition.type), one["operator"], one.get("value")
    empty = {"includeObjectsWithNoValueSet": operator in NEGATIVE and one.get("unset", True)}
    if one.get("unset") is False and operator not in NEGATIVE:
        return None
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
        values = [words.value_out(of, definition.name, item) for item in (value if isinstance(value, list) else [value])]
        return {"operationType": "ENUMERATION", "operator": word, "values": values, **empty} if word else None
    if operator == "in_period" and (unit := next((key for key, periods in UNITS.items() if value in periods), None)):
        return {"operationType": "CALENDAR_DATE", "operator": CALENDAR[UNITS[unit].index(str(value))], "timeUnit": unit, **empty}
    if (word := _back(ROLLING, operator)) is not None:
        return {"operationType": "ROLLING_DATE_RANGE", "operator": word, "numberOfDays": value, **empty}
    if (word := _back({key: mine for key, mine in MOMENT.items() if key.startswith("IS_")}, operator)) is not None:
        at = datetime.fromisoformat(str(value)).replace(tzinfo=UTC) if len(str(value)) == 10 else datetime.fromisoformat(str(value))
        return {"operationType": "DATETIME", "operator": word, "timestamp": int(at.timestamp() * 1000), "requiresTimeZoneConversion": False, **empty}
    return None


def _back(table: Mapping[str, str], ours: str) -> str | None:
    return next((word for word, mine in table.items() if mine == ours), None)
