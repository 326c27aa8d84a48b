"""One filter of a search as a core node: the property in Baton's words, the operator by the property's type, the value as it is stored."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ninja import Schema

from baton.api.errors import Failure
from baton.api.hubspot import words
from baton.crm import identity, pipelines, properties, search, types, values
from baton.crm.associations import PRIMARY
from baton.crm.models import Contact, ObjectType, PropertyDefinition
from baton.query.nodes import And, Compare, Everyone, HasState, Nobody, Node, Not, Or, Related, Scalar

OPERATORS = (
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
)  # fmt: skip
OPPOSITE = {"NEQ": "EQ", "NOT_IN": "IN", "NOT_HAS_PROPERTY": "HAS_PROPERTY", "NOT_CONTAINS_TOKEN": "CONTAINS_TOKEN"}  # hold where the other does not
ORDERED = {
    "number": {"LT": "less_than", "LTE": "at_most", "GT": "more_than", "GTE": "at_least"},
    "time": {"LT": "before", "LTE": "on_or_before", "GT": "after", "GTE": "on_or_after"},
}
MOMENTS = {"createdate": "created_at", "hs_createdate": "created_at", "lastmodifieddate": "updated_at", "hs_lastmodifieddate": "updated_at"}
WORD = re.compile(r"[^\W_]+")
IDS = ("hs_object_id", "hs_ticket_id")
EARLIEST, LATEST = 1000, 9000  # years of a date that can be compared


class Filter(Schema):
    """One condition of a search."""

    propertyName: str
    operator: str
    value: Any = None
    highValue: Any = None
    values: list[Any] | None = None


def problem(message: str, where: str) -> Failure:
    """400: the search cannot be understood."""
    return Failure(400, "VALIDATION_ERROR", f"There was a problem with the request. {message}", errors=[{"message": message, "in": where}])


def sortable(kind: ObjectType, name: str) -> str | None:
    """Baton's name of what a search may be sorted by; None when there is none."""
    if name in IDS:
        return "id"
    mine = MOMENTS.get(name) or words.ours(kind.key, name)
    return mine if name in MOMENTS or mine in properties.definitions(kind.key) else None


def node(kind: ObjectType, one: Filter) -> Node:
    """The filter over records of this type. Raises Failure 400 for a property or an operator there is not, and a value that does not fit."""
    operator = one.operator.strip().upper()
    if operator not in OPERATORS:
        raise problem(f"{one.operator[:50]} is no operator. Valid operators are: [{', '.join(OPERATORS)}]", "operator")
    if operator in OPPOSITE:
        return Not(_positive(kind, one, OPPOSITE[operator]))
    return _positive(kind, one, operator)


def _positive(kind: ObjectType, one: Filter, operator: str) -> Node:
    name = one.propertyName.strip()
    if name.startswith("associations."):
        return _linked(name.removeprefix("associations."), one, operator)
    if name == "associatedcompanyid" and kind.key == "contact":
        return _linked("company", one, operator, PRIMARY)
    if name in IDS:
        return _number(kind.key, "id", one, operator)
    if name in MOMENTS:
        return _time(kind.key, MOMENTS[name], one, operator, day=False)
    if name.startswith("hs_is_closed") and kind.stage_property:
        return _closed(kind, name, one, operator)
    if name == "hs_additional_emails" and operator in ("EQ", "IN"):
        return _addresses(one, operator)
    if name == "hs_email_optout" and kind.key == "contact":
        return _yes(HasState("opted_out"), one, operator)
    definition = properties.definitions(kind.key).get(words.ours(kind.key, name))
    if definition is None:
        raise problem(f'Property "{name[:100]}" does not exist', "propertyName")
    match definition.type:
        case "number":
            return _number(kind.key, definition.name, one, operator)
        case "date" | "datetime":
            return _time(kind.key, definition.name, one, operator, day=definition.type == "date")
        case "boolean":
            return _boolean(kind.key, definition, one, operator)
        case "choice" | "multi_choice":
            return _choice(kind.key, definition, one, operator)
        case "user":
            return _user(kind.key, definition, one, operator)
        case _:
            return _text(kind.key, definition, one, operator)


def _given(one: Filter, operator: str) -> list[Any]:
    """What a filter compares with: one value, or those of a list. Raises Failure 400 when there is none."""
    found = (one.values if one.values is not None else [one.value]) if operator == "IN" else [one.value]
    if not found or any(value is None or isinstance(value, dict | list) for value in found):
        raise problem(f"operator {one.operator} of {one.propertyName[:100]} needs {'values' if operator == 'IN' else 'a value'}", "value")
    for value in found:
        storable(str(value), "value")
    return found


def words_of(kind: ObjectType, one: Filter) -> list[str]:
    """Words that a record has, or begins words with, wherever this filter holds; none for filters that say nothing of words (see crm/search.py)."""
    name = words.ours(kind.key, one.propertyName.strip())
    definition = properties.definitions(kind.key).get(name)
    if definition is None or name not in kind.searchable or definition.type not in ("text", "email", "url") or definition.field_type in ("textarea", "html"):
        return []
    if one.operator.strip().upper() not in ("EQ", "CONTAINS_TOKEN") or not isinstance(one.value, str):
        return []
    found = []
    for asked in one.value.split():
        for number, piece in enumerate(asked.split("*") if one.operator.strip().upper() == "CONTAINS_TOKEN" else [asked]):
            for part in WORD.finditer(piece):
                if number and part.start() == 0:
                    continue  # the end of a word, whose beginning may be anything
                found.append(part.group())
    if definition.type == "email" and len(found) > 1:
        found.pop()  # .com and its like are in every other address
    return [word for word in found if 1 < len(word) <= search.LONGEST and not word.isdigit() and not search.FORMS.search(word)]


def storable(text: str, where: str) -> None:
    """Raises Failure 400 for letters the database does not know."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise problem("The text has characters that cannot be stored.", where)


def _refused(one: Filter) -> Failure:
    return problem(f"operator {one.operator} cannot be used with {one.propertyName[:100]}", "operator")


def _any(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes)) if nodes else Nobody()


def _linked(word: str, one: Filter, operator: str, label: str | None = None) -> Node:
    """`associations.company` is 512."""
    other = types.resolve(word)
    if other is None:
        raise problem(f"Unable to infer object type from: {word[:100]}", "propertyName")
    if operator == "HAS_PROPERTY":
        return Related(other.key, Everyone(), label)
    if operator not in ("EQ", "IN"):
        raise _refused(one)
    ids = [int(str(value)) for value in _given(one, operator) if re.fullmatch(r"[0-9]{1,18}", str(value))]
    return Related(other.key, _any([Compare("id", "is", id, other.key) for id in ids]), label) if ids else Nobody()


def _number(of: str, name: str, one: Filter, operator: str) -> Node:
    if operator == "HAS_PROPERTY":
        return Everyone() if name == "id" else Compare(name, "known", None, of)
    if operator == "BETWEEN":
        low, high = _as_number(one, one.value), _as_number(one, one.highValue)
        return Compare(name, "between", (low, high), of) if low <= high else Nobody()
    if operator in ORDERED["number"]:
        return Compare(name, ORDERED["number"][operator], _as_number(one, one.value), of)
    return _any([Compare(name, "is", _as_number(one, value), of) for value in _given(one, operator)])


def _as_number(one: Filter, value: Any) -> int | float:
    try:
        found = Decimal(str(value).strip())
        if isinstance(value, bool) or not found.is_finite() or abs(found) > 10**18:
            raise InvalidOperation
    except InvalidOperation:
        raise problem(f"{str(value)[:50]} is not a number, and {one.propertyName[:100]} is one", "value") from None
    return int(found) if found == found.to_integral_value() else float(found)


def _time(of: str, name: str, one: Filter, operator: str, *, day: bool) -> Node:
    if operator == "HAS_PROPERTY":
        return Compare(name, "known", None, of)
    if operator == "BETWEEN":
        low, high = _as_time(one, one.value, day), _as_time(one, one.highValue, day)
        return Compare(name, "between", (low, high), of) if low <= high else Nobody()
    if operator in ORDERED["time"]:
        return Compare(name, ORDERED["time"][operator], _as_time(one, one.value, day), of)
    if operator == "CONTAINS_TOKEN":
        raise _refused(one)
    return _any([Compare(name, "is", _as_time(one, value, day), of) for value in _given(one, operator)])


def _as_time(one: Filter, value: Any, day: bool) -> str:
    """A day, or a moment with its offset; days are those of UTC, as programs send them."""
    text = str(value).strip()
    moment = words.as_moment(value) if not re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    if moment is None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
    if moment is None or isinstance(value, bool) or not EARLIEST <= moment.year <= LATEST:
        raise problem(f"{text[:50]} is neither a date nor milliseconds since 1970, as {one.propertyName[:100]} needs", "value")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.date().isoformat() if day else moment.isoformat()


def _boolean(of: str, definition: PropertyDefinition, one: Filter, operator: str) -> Node:
    if operator == "HAS_PROPERTY":
        return Compare(definition.name, "known", None, of)
    if operator not in ("EQ", "IN"):
        raise _refused(one)
    return _any([Compare(definition.name, "is", found == "true", of) for found in _truths(one, operator)])


def _truths(one: Filter, operator: str) -> list[str]:
    return [text for value in _given(one, operator) if (text := str(value).strip().lower()) in ("true", "false")]


def _yes(node: Node, one: Filter, operator: str) -> Node:
    """A fact that is worked out, compared with true or false."""
    if operator == "HAS_PROPERTY":
        return Everyone()
    if operator not in ("EQ", "IN"):
        raise _refused(one)
    return _any([node if found == "true" else Not(node) for found in _truths(one, operator)])


def _closed(kind: ObjectType, name: str, one: Filter, operator: str) -> Node:
    """hs_is_closed, hs_is_closed_won, hs_is_closed_lost: standing in one of the stages that mean it."""
    probability = {"hs_is_closed": None, "hs_is_closed_won": 1, "hs_is_closed_lost": 0}
    if name not in probability:
        raise problem(f'Property "{name[:100]}" does not exist', "propertyName")
    wanted = probability[name]
    ways: list[Node] = []
    for key, stages in pipelines.stages(kind.key).items():
        keys = tuple(stage.key for stage in stages if stage.closed and wanted in (None, stage.probability))
        if keys:
            ways.append(And((Compare("pipeline", "is", key, kind.key), Compare(kind.stage_property, "any_of", keys, kind.key))))
    return _yes(_any(ways), one, operator)


def _addresses(one: Filter, operator: str) -> Node:
    """Contacts that have an address beside their main one."""
    asked = {identity.normal_email(str(value)) for value in _given(one, operator)}
    owners = identity.find_many("email", asked)
    found: list[Node] = [And((Compare("id", "is", id), Not(Compare("email", "is", address)))) for address, id in owners.items() if address]
    return _any(found)


def _choice(of: str, definition: PropertyDefinition, one: Filter, operator: str) -> Node:
    name = definition.name
    if operator == "HAS_PROPERTY":
        return Compare(name, "known", None, of)
    if operator == "CONTAINS_TOKEN":
        return _chosen(of, definition, [option for option in _options(definition) if _like(str(_given(one, operator)[0]), of, definition, option)])
    if operator not in ("EQ", "IN"):
        raise _refused(one)
    asked = [str(words.word_in(of, name, str(value).strip())) for value in _given(one, operator)]
    if definition.type == "multi_choice" and operator == "EQ" and ";" in asked[0]:
        parts = tuple(dict.fromkeys(part.strip() for part in asked[0].split(";") if part.strip()))
        return Compare(name, "all_of", parts, of) if parts and set(parts) <= set(_options(definition)) else Nobody()
    return _chosen(of, definition, asked)


def _options(definition: PropertyDefinition) -> list[str]:
    return [str(option["value"]) for option in definition.options]


def _chosen(of: str, definition: PropertyDefinition, asked: list[str]) -> Node:
    there = tuple(value for value in dict.fromkeys(asked) if value in _options(definition))
    return Compare(definition.name, "any_of", there, of) if there else Nobody()


def _like(token: str, of: str, definition: PropertyDefinition, option: str) -> bool:
    """Does an option's value or label have the words?"""
    text = f"{words.value_out(of, definition.name, option)} {properties.option_label(definition, option)}".casefold()
    return all(re.search(r"(^|\W)" + r"\S*".join(re.escape(part) for part in word.split("*")) + r"($|\W)", text) for word in token.casefold().split())


def _user(of: str, definition: PropertyDefinition, one: Filter, operator: str) -> Node:
    if operator == "HAS_PROPERTY":
        return Compare(definition.name, "known", None, of)
    if operator not in ("EQ", "IN"):
        raise _refused(one)
    return _any([Compare(definition.name, "is", int(str(value)), of) for value in _given(one, operator) if re.fullmatch(r"[0-9]{1,18}", str(value).strip())])


def _text(of: str, definition: PropertyDefinition, one: Filter, operator: str) -> Node:
    name = definition.name
    if operator == "HAS_PROPERTY":
        return Compare(name, "known", None, of)
    if operator in ("EQ", "IN") and (of, name) == ("contact", "email"):
        mails = [identity.normal_email(str(value)) for value in _given(one, operator)]
        ids = Contact.objects.filter(email__in=[mail for mail in mails if mail], archived_at=None).values_list("id", flat=True)  # by its index
        return _any([Compare("id", "is", id) for id in ids])
    if operator in ("EQ", "IN"):
        asked: list[Scalar] = [_as_stored(definition, str(value).strip()) for value in _given(one, operator)]
        return Compare(name, "is", asked[0], of) if operator == "EQ" else Compare(name, "any_of", tuple(asked), of)
    if operator != "CONTAINS_TOKEN":
        raise _refused(one)
    token = str(_given(one, operator)[0]).strip()
    if definition.type == "phone":
        token = _as_stored(definition, token) if "*" not in token else re.sub(r"^\*?0", "*", re.sub(r"[\s().-]", "", token))
    return Compare(name, "has_word", token, of)


def _as_stored(definition: PropertyDefinition, text: str) -> str:
    """A phone number, address or web address in the form it is stored in; what is none stays as it is."""
    if definition.type == "text":
        return text
    try:
        return str(values.convert(definition, text) or text)
    except values.Fault:
        return text
