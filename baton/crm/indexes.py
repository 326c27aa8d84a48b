"""The expressions that records are compared and sorted by, and the indexes over them."""

from baton.crm import pipelines, properties, types
from baton.crm.models import PropertyDefinition
from baton.crm.models.property import PropertyType

NAME = "nullif(coalesce({c}.properties ->> 'lastname', '') || coalesce({c}.properties ->> 'firstname', ''), '')"


def expression(object_type: str, name: str, alias: str) -> str | None:
    """The SQL value by which records are sorted by a property: NULL when it is not set; None when there is no such property.

    `name` of a contact is family name and given name. Choices and stages go in the order of their options.
    """
    definition = properties.definitions(object_type).get(name)
    if object_type == "contact" and name == "name":
        return NAME.format(c=alias)
    if definition is None:
        return None
    values = _ordered(object_type, definition)
    return _value(definition.name, definition.type, values, f"{alias}.properties")


def _ordered(object_type: str, definition: PropertyDefinition) -> list[str] | None:
    """The values of a choice or of pipeline stages in their order."""
    if definition.name == types.get(object_type).stage_property:
        return [stage.key for stages in pipelines.stages(object_type).values() for stage in stages]
    if definition.type == PropertyType.CHOICE:
        return [option["value"] for option in definition.options]
    return None


def _value(name: str, type: str, values: list[str] | None, record: str) -> str:
    name = _quoted(name)
    if values is not None:
        listed = ", ".join(_quoted(value) for value in dict.fromkeys(values))
        return f"array_position(ARRAY[{listed}]::text[], {record} ->> {name})" if listed else f"({record} ->> {name})"
    match type:
        case PropertyType.NUMBER | PropertyType.USER:
            return f"(CASE WHEN jsonb_typeof({record} -> {name}) = 'number' THEN ({record} -> {name})::numeric END)"
        case PropertyType.BOOLEAN:
            return f"(CASE WHEN jsonb_typeof({record} -> {name}) = 'boolean' THEN ({record} -> {name})::boolean END)"
        case PropertyType.DATE | PropertyType.DATETIME:
            return f"({record} ->> {name})"
        case _:
            return f"lower({record} ->> {name})"


def _quoted(text: str) -> str:
    """As an SQL literal; %% because psycopg reads the statement."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
