"""Filters of lists: HubSpot's branches of filters into Baton's filter language. The other way is branches_out.py.

What Baton cannot ask is refused with its place: `filterBranch.filterBranches.0.filters.1`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from baton.api.errors import Failure
from baton.api.hubspot import words
from baton.crm import properties, types
from baton.crm.models import PropertyDefinition, PropertyType
from baton.crm.values import stamp
from baton.forms import verbs as forms
from baton.platform.errors import NotFound

from .branch_words import (
    ABOUT,
    CALENDAR,
    CHOICE,
    CHOICES,
    EMAILS,
    EVENTS,
    KNOWN,
    MOMENT,
    NEGATIVE,
    NEWS,
    NUMBER,
    PAGES,
    PRIMARY,
    ROLLING,
    TEXT,
    TEXTS,
    UNITS,
)  # fmt: skip

Stored = dict[str, Any]
DEEPEST = 20


def read(branch: Mapping[str, Any], depth: int = 0, at: str = "filterBranch", of: str = "contact") -> Stored:
    """Baton's filter for a filterBranch. Raises Failure 400 for what Baton cannot ask, with its place."""
    if not isinstance(branch, Mapping) or depth > DEEPEST:
        raise _refused("expected an object, nested at most 20 times", at)
    word = str(branch.get("filterBranchType", "")).upper()
    inner, leaves = branch.get("filterBranches") or [], branch.get("filters") or []
    if not isinstance(inner, list) or not isinstance(leaves, list):
        raise _refused("filters and filterBranches are lists", at)
    if word == "ASSOCIATION":
        return _related(branch, leaves, inner, depth, at, of)
    if word == "UNIFIED_EVENTS":
        return _event(branch, leaves, at)
    parts = [_filter(one, f"{at}.filters.{i}", of) for i, one in enumerate(leaves)]
    parts += [read(one, depth + 1, f"{at}.filterBranches.{i}", of) for i, one in enumerate(inner)]
    match word:
        case "OR":
            return {"any": parts}
        case "AND":
            return {"all": parts}
        case "NOT_ALL":
            return {"not": {"all": parts}}
        case "NOT_ANY":
            return {"not": {"any": parts}}
    raise _refused(f"Filter branches of type {word[:50]} are not supported.", at)


def _related(branch: Mapping[str, Any], leaves: list[Any], inner: list[Any], depth: int, at: str, of: str) -> Stored:
    """Linked records for which all filters hold."""
    kind = types.resolve(str(branch.get("objectTypeId", "")))
    if kind is None or of != "contact" or kind.key == "contact":
        raise _refused(f"Records of type {str(branch.get('objectTypeId'))[:50]} cannot be asked about.", at)
    parts = [_filter(one, f"{at}.filters.{i}", kind.key) for i, one in enumerate(leaves)]
    parts += [read(one, depth + 1, f"{at}.filterBranches.{i}", kind.key) for i, one in enumerate(inner)]
    stored: Stored = {"related": kind.key, **({"filter": {"all": parts}} if parts else {})}
    if kind.key == "company" and str(branch.get("associationTypeId", "")) == PRIMARY:
        stored["label"] = "primary"
    return {"not": stored} if str(branch.get("operator", "")).upper() == "NOT_IN_LIST" else stored


def _event(one: Mapping[str, Any], lines: list[Any], at: str) -> Stored:
    """A kind of event, and what it was about."""
    kind = EVENTS.get(str(one.get("eventTypeId", "")))
    if kind is None:
        raise _refused(f"Events of type {str(one.get('eventTypeId'))[:50]} are not supported.", at)
    stored: Stored = {"condition": "event", "event": kind, **_often(one, at)}
    for i, line in enumerate(lines):
        name, operation = (str(line.get("property", "")), line.get("operation")) if isinstance(line, Mapping) else ("", None)
        how = {"IS_EQUAL_TO": "is", "IS_ANY_OF": "is", "CONTAINS": "contains", "STARTS_WITH": "starts"}
        operator = how.get(str(operation.get("operator", "")).upper()) if isinstance(operation, Mapping) else None
        values = (operation.get("values") or [operation.get("value")]) if isinstance(operation, Mapping) else []
        if not kind.startswith(ABOUT.get(name, "?")) or operator is None or not isinstance(values, list) or len(values) != 1 or "about" in stored:
            raise _refused(f"Events cannot be asked by {name[:50]!r} like this.", f"{at}.filters.{i}")
        about = str(_form(values[0], f"{at}.filters.{i}")) if name == "hs_form_id" else str(values[0])
        stored |= {"about": about, "match": operator}
    return {"not": stored} if str(one.get("operator", "")).upper() == "HAS_NOT_COMPLETED" else stored


def _filter(one: Any, at: str, of: str = "contact") -> Stored:
    if not isinstance(one, Mapping):
        raise _refused("A filter is an object.", at)
    word, operator = str(one.get("filterType", "")).upper(), str(one.get("operator", "")).upper()
    if word == "CONSTANT" and isinstance(one.get("baton"), dict):  # what Baton wrote of its own comes back as it was
        return dict(one["baton"])
    if word != "PROPERTY" and of != "contact":
        raise _refused("A linked record is asked for its properties only.", at)
    match word:
        case "PROPERTY":
            return _property(one, of, at)
        case "IN_LIST":
            stored: Stored = {"condition": "in_segment", "segment": _number(one.get("listId"), "listId", at)}
            return {"not": stored} if operator == "NOT_IN_LIST" else stored
        case "FORM_SUBMISSION":
            stored = {"condition": "form_submitted", **({"form": _form(one["formId"], at)} if one.get("formId") else {}), **_often(one, at)}
            return {"not": stored} if operator == "NOT_FILLED_OUT" else stored
        case "PAGE_VIEW" if operator in PAGES:
            stored = {"condition": "page_viewed", "address": str(one.get("pageUrl", "")), "match": PAGES[operator], **_often(one, at)}
            return {"not": stored} if operator.startswith("NOT_") else stored
        case "EMAIL_EVENT":
            return _mail(one, operator, at)
        case "EMAIL_SUBSCRIPTION":
            return _news(one, one.get("acceptedStatuses"), "email", f"{at}.acceptedStatuses", at)
        case "COMMUNICATION_SUBSCRIPTION":
            return _news(one, one.get("acceptedOptStates"), str(one.get("channel", "EMAIL")).lower(), f"{at}.acceptedOptStates", at)
        case "CTA":
            stored = {"condition": "cta_clicked", "name": str(one.get("ctaName", "")), **_often(one, at)}
            return {"not": stored} if "NOT" in operator else stored
        case "UNIFIED_EVENTS":
            lines = one.get("filterLines") or []
            return _event(one, lines if isinstance(lines, list) else [], at)
        case "CONSTANT":
            return {"any": []} if not one.get("shouldAccept") else {"not": {"any": []}}
    raise _refused(f"Filters of type {word[:50]} with operator {operator[:50]} are not supported.", at)


def _news(one: Mapping[str, Any], states: Any, channel: str, where: str, at: str) -> Stored:
    """What was said of one of several kinds of news."""
    ids, kept = one.get("subscriptionIds"), states if isinstance(states, list) else []
    wrong = next((str(state) for state in kept if str(state).upper() not in NEWS), "" if kept else "none")
    if wrong:
        raise _refused(f"What was said of a subscription cannot be asked by {wrong[:50]}.", where)
    if not isinstance(ids, list) or not ids:
        raise _refused("Expected the ids of subscriptions.", f"{at}.subscriptionIds")
    if channel not in ("email", "sms", "kakaotalk"):
        raise _refused(f"There is no channel {channel[:50]}.", f"{at}.channel")
    asked: list[Stored] = [
        {"condition": "news", "news": _number(id, "subscriptionIds", at), "state": state, **({} if channel == "email" else {"channel": channel})}
        for id in ids for state in dict.fromkeys(NEWS[str(state).upper()] for state in kept)
    ]  # fmt: skip
    return asked[0] if len(asked) == 1 else {"any": asked}


def _mail(one: Mapping[str, Any], operator: str, at: str) -> Stored:
    """What became of mails, of one or of any."""
    number = {"email": _number(one["emailId"], "emailId", at)} if one.get("emailId") else {}
    about = {"about": str(number["email"])} if number else {}
    often = _often(one, at)

    def said(what: str) -> Stored:
        if what in EMAILS:
            return {"condition": EMAILS[what], **number, **often}
        return {"condition": "event", "event": what, **about, **often}

    simple = {"SENT": "email_sent", "RECEIVED": "email_sent", "BOUNCED": "email_bounce", "UNSUBSCRIBED": "email_unsubscribe"}
    if operator in (*EMAILS, *simple):
        return said(simple.get(operator, operator))
    if operator == "MARKED_SPAM":
        return {"condition": "mail_state", "state": "complained"}
    both = {
        "OPENED_BUT_LINK_NOT_CLICKED": ("OPENED", "LINK_CLICKED"), "RECEIVED_BUT_NOT_OPENED": ("email_sent", "OPENED"),
        "SENT_BUT_LINK_NOT_CLICKED": ("email_sent", "LINK_CLICKED"), "SENT_BUT_NOT_RECEIVED": ("email_sent", "email_sent"),
    }.get(operator)  # fmt: skip
    if both is None:
        raise _refused(f"What became of mails cannot be asked by {operator[:50]}.", at)
    return {"all": [said(both[0]), said("email_bounce") if operator == "SENT_BUT_NOT_RECEIVED" else {"not": said(both[1])}]}


def _often(one: Mapping[str, Any], at: str) -> Stored:
    """How often and in which time."""
    found: Stored = {}
    for name in ("coalescingRefineBy", "pruningRefineBy"):
        refine = one.get(name)
        if not isinstance(refine, Mapping) or not refine:
            continue
        place = f"{at}.{name}"
        match str(refine.get("type", "")).upper():
            case "NUM_OCCURRENCES":
                least, most = refine.get("minOccurrences"), refine.get("maxOccurrences")
                found |= {word: _number(value, word, place) for word, value in (("at_least", least), ("at_most", most)) if value is not None}
                if found.get("at_least") == 0:
                    del found["at_least"]
            case "RELATIVE_COMPARATIVE":
                days = _days(refine.get("timeOffset"), place)
                found["until_days" if str(refine.get("comparison", "AFTER")).upper() == "BEFORE" else "days"] = days
            case "RELATIVE_RANGED" if str(refine.get("rangeType", "BETWEEN")).upper() == "BETWEEN":
                found |= {"days": _days(refine.get("lowerBoundOffset"), place), "until_days": _days(refine.get("upperBoundOffset"), place)}
            case "ABSOLUTE_COMPARATIVE":
                found["until" if str(refine.get("comparison", "AFTER")).upper() == "BEFORE" else "since"] = _stamp(refine.get("timestamp"), place)
            case "ABSOLUTE_RANGED" if str(refine.get("rangeType", "BETWEEN")).upper() == "BETWEEN":
                found |= {"since": _stamp(refine.get("lowerTimestamp"), place), "until": _stamp(refine.get("upperTimestamp"), place)}
            case "ALL_HISTORY":
                pass
            case other:
                raise _refused(f"Refining by {other[:50]} is not supported.", place)
    return found


def _days(offset: Any, at: str) -> int:
    """How many days ago a relative moment is."""
    if not isinstance(offset, Mapping) or str(offset.get("offsetDirection", "PAST")).upper() != "PAST":
        raise _refused("Expected a time in the past.", at)
    return _number(offset.get("amount"), "amount", at) * (7 if str(offset.get("timeUnit", "")).upper() == "WEEKS" else 1)


def _stamp(value: Any, at: str) -> str:
    moment = words.as_moment(value)
    if moment is None:
        raise _refused("Expected milliseconds since 1970.", at)
    return stamp(moment)


def _property(one: Mapping[str, Any], of: str, at: str) -> Stored:
    name = words.ours(of, str(one.get("property", "")))
    definition = properties.definitions(of).get(name)
    operation = one.get("operation")
    if definition is None:
        raise _refused(f"Property {str(one.get('property'))[:100]!r} does not exist", at)
    if not isinstance(operation, Mapping):
        raise _refused("A PROPERTY filter needs an operation.", at)
    operator = str(operation.get("operator", "")).upper()
    stored = _compare(definition, operator, operation, of, at)
    if stored.get("operator") in NEGATIVE and not operation.get("includeObjectsWithNoValueSet"):
        return {**stored, "unset": False}
    return stored


def _compare(definition: PropertyDefinition, operator: str, operation: Mapping[str, Any], of: str, at: str) -> Stored:
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
        return stored(NUMBER[operator], _amount(operation.get("value"), at))
    if type == PropertyType.NUMBER and operator in ("IS_BETWEEN", "IS_NOT_BETWEEN"):
        between = stored("between", [_amount(operation.get("lowerBound"), at), _amount(operation.get("upperBound"), at)])
        return between if operator == "IS_BETWEEN" else {"not": between}
    if type == PropertyType.BOOLEAN and operator in ("IS_EQUAL_TO", "IS_NOT_EQUAL_TO"):
        return stored("is" if operator == "IS_EQUAL_TO" else "is_not", str(operation.get("value")).lower() == "true")
    if type in CHOICES and operator in CHOICE:
        given = operation.get("values") or []
        if not isinstance(given, list):
            raise _refused("values is a list.", at)
        values = [_option(definition, value, of, at) for value in given]
        ours = CHOICE[operator]
        if ours in ("is", "is_not"):
            return stored(ours, values if type == PropertyType.MULTI_CHOICE else values[0] if values else "")
        if ours == "all_of" and type != PropertyType.MULTI_CHOICE:
            return {"all": [stored("is", value) for value in values]}
        return stored(ours, values)
    if type in (PropertyType.DATE, PropertyType.DATETIME):
        if operator in ROLLING:
            return stored(ROLLING[operator], _number(operation.get("numberOfDays"), "numberOfDays", at))
        if operator in MOMENT:
            return stored(MOMENT[operator], _moment(type, operation, at))
        if operator in ("IS_BETWEEN", "IS_NOT_BETWEEN"):
            between = stored("between", [_moment(type, {"timestamp": operation.get(bound)}, at) for bound in ("lowerBound", "upperBound")])
            return between if operator == "IS_BETWEEN" else {"not": between}
        units = UNITS.get(str(operation.get("timeUnit", "")).upper().rstrip("S"))
        if operator in CALENDAR and units and operation.get("timeUnitCount") in (None, 1, "1"):
            return stored("in_period", units[CALENDAR.index(operator)])
    raise _refused(f"The operator {operator[:50]} is not supported for {words.theirs(of, name)}.", at)


def _option(definition: PropertyDefinition, value: Any, of: str, at: str) -> Any:
    if definition.type == PropertyType.USER:
        return _number(value, "values", at)
    return words.word_in(of, definition.name, str(value))


def _moment(type: PropertyType, operation: Mapping[str, Any], at: str) -> str:
    if all(operation.get(part) is not None for part in ("year", "month", "day")):
        try:
            day = date(*(_number(operation[part], part, at) for part in ("year", "month", "day")))
        except ValueError:
            raise _refused("There is no such day.", at) from None
        return day.isoformat() if type == PropertyType.DATE else stamp(datetime(day.year, day.month, day.day, tzinfo=UTC))
    moment = words.as_moment(operation.get("timestamp"))
    if moment is None:
        raise _refused("Expected milliseconds since 1970.", at)
    return moment.date().isoformat() if type == PropertyType.DATE else stamp(moment)


def _amount(value: Any, at: str) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _refused(f"{str(value)[:50]} is no number.", at) from None
    if not abs(number) < 1e15:
        raise _refused(f"{str(value)[:50]} is no number Baton can hold.", at)
    return int(number) if number.is_integer() else number


def _number(value: Any, name: str, at: str) -> int:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit() or len(str(value)) > 18:
        raise _refused(f"{name}: expected a whole number, got {str(value)[:50]!r}", at)
    return int(value)


def _form(guid: Any, at: str) -> int:
    try:
        return forms.by_guid(str(guid), archived=True).pk
    except NotFound:
        raise _refused(f"There is no form {str(guid)[:50]}.", at) from None


def _refused(text: str, at: str) -> Failure:
    said = f"{at}: {text}"
    return Failure(400, "VALIDATION_ERROR", said, subCategory="ILS.INVALID_FILTER", errors=[{"message": text, "in": at}])
