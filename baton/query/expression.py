"""The SQL values that properties are compared and sorted by, by type; indexes are over the same texts (crm/indexes.py), so that they can answer.

Each is NULL where the property is not set or of another type; a text or a date is not checked for its JSON type, whoever compares does that.
`record` is the jsonb object (`c.properties`), `name` an SQL literal or a placeholder that becomes one.
"""

from collections.abc import Callable

from .catalog import Type


def text(record: str, name: str) -> str:
    """Folded: composed letters (NFC), lower case."""
    return f"lower(normalize({record} ->> {name}, NFC))"


def exact(record: str, name: str) -> str:
    """Composed letters, capital and small ones as they are."""
    return f"normalize({record} ->> {name}, NFC)"


def number(record: str, name: str) -> str:
    return f"(CASE WHEN jsonb_typeof({record} -> {name}) = 'number' THEN ({record} -> {name})::numeric END)"


def boolean(record: str, name: str) -> str:
    return f"(CASE WHEN jsonb_typeof({record} -> {name}) = 'boolean' THEN ({record} -> {name})::boolean END)"


def date(record: str, name: str) -> str:
    return f"""(({record} ->> {name}) COLLATE "C")"""


def moment(record: str, name: str) -> str:
    """By the second."""
    return f"""(left({record} ->> {name}, 19) COLLATE "C")"""


def ordered(record: str, name: str, values: list[str]) -> str:
    """The place of a choice among its options; `values` are SQL literals."""
    return f"array_position(ARRAY[{', '.join(values)}]::text[], {record} ->> {name})" if values else text(record, name)


OF_TYPE: dict[Type, Callable[[str, str], str]] = {
    "text": text,
    "phone": text,
    "email": text,
    "url": text,
    "choice": text,
    "multi_choice": text,
    "number": number,
    "user": number,
    "boolean": boolean,
    "date": date,
    "datetime": moment,
}
