"""Pipelines and stages as choices: what a record's stage may be, for tables, filters and editors."""

from baton.crm import pipelines, types


def options(object_type: str, name: str) -> tuple[tuple[str, str], ...]:
    """(key, label) of every stage or pipeline; empty when the property is neither. A stage of a second pipeline says whose it is."""
    kind = types.known().get(object_type)
    if kind is None or not kind.stage_property or name not in ("pipeline", kind.stage_property):
        return ()
    ways = pipelines.pipelines(object_type)
    if name == "pipeline":
        return tuple((way.key, pipelines.label(way)) for way in ways)
    found = []
    for way in ways:
        for stage in way.stages_in_order:  # type: ignore[attr-defined]
            found.append((stage.key, pipelines.label(stage) if len(ways) == 1 else f"{pipelines.label(way)}: {pipelines.label(stage)}"))
    return tuple(dict(found).items())
