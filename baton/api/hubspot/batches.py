"""Many at once: the shape of the answer, and which of the inputs went wrong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ninja import Schema, Status

from baton.api.errors import Failure
from baton.crm.values import stamp
from baton.platform import clock


class Answer(Schema):
    """What a batch did."""

    status: str
    results: list[dict[str, Any]]
    startedAt: str
    completedAt: str
    numErrors: int | None = None
    errors: list[dict[str, Any]] | None = None


def start(inputs: Sequence[Any]) -> datetime:
    """When the work began. Raises Failure 400 for an empty batch."""
    if not inputs:
        raise Failure(400, "VALIDATION_ERROR", "Batch input provided should have at least one object.")
    return clock.now()


def answer(started: datetime, results: list[dict[str, Any]], errors: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The body of a batch that is done."""
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": stamp(started), "completedAt": stamp(clock.now())}
    if errors:
        body |= {"numErrors": len(errors), "errors": list(errors)}
    return body


def status(started: datetime, results: list[dict[str, Any]], errors: Sequence[dict[str, Any]] = (), *, good: int = 200) -> Status[dict[str, Any]]:
    """The same with its HTTP status: `good`, or 207 when something went wrong."""
    return Status(207 if errors else good, answer(started, results, errors))


def missing(message: str, **context: list[str]) -> dict[str, Any]:
    """One element of `errors`: what was asked for and is not there."""
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": context, "errors": [], "links": {}}
