"""A filter asked about those who stand at a step: one statement for all of them, about contacts or about other records."""

from baton.automation.field import join
from baton.automation.step import Batch, Stored
from baton.platform.errors import Invalid, Problem
from baton.segments import catalog, filter, meanwhile


def holds(stored: Stored, batch: Batch, spans: meanwhile.Spans | None = None) -> set[int]:
    """Ids of those who stand here for whom the filter holds now, see `meanwhile.among`."""
    return meanwhile.among(stored, batch.contact_ids, batch.object_type, batch.now, spans)


def sentence(stored: Stored, object_type: str) -> str:
    """The filter in words, or nothing when there is none that can be read."""
    try:
        return filter.sentence(stored, object_type) if stored else ""
    except Invalid:
        return ""


def problems(stored: Stored, object_type: str, at: str = "filter") -> list[Problem]:
    """What is wrong with a step's filter; paths begin with the field's name."""
    try:
        filter.parse(stored, catalog.current(), object_type=object_type)
    except Invalid as error:
        return [Problem(at if p.path in ("", "filter") else join(at, p.path), p.code, p.message) for p in error.problems]
    return []
