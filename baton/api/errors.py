"""One shape for every error of the API: HubSpot's envelope, which its clients know how to read."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from baton.platform.errors import Conflict, DomainError, Forbidden, Invalid, NotFound

Detail = dict[str, Any]


class Failure(Exception):
    """An answer other than success: HTTP status, HubSpot's category, a text that clients may parse, and details."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Detail] = (),
        context: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: Detail = {"status": "error", "message": message, "category": category, **more}
        if errors:
            self.body["errors"] = list(errors)
        if context:
            self.body["context"] = context


def answer(request: HttpRequest, failure: Failure) -> HttpResponse:
    """The envelope, with the correlation id that is in the answer's header and in the log."""
    body = {**failure.body, "correlationId": getattr(request, "correlation_id", "")}
    return HttpResponse(json.dumps(body, ensure_ascii=False), status=failure.status, content_type="application/json;charset=utf-8", headers=failure.headers)


def of(error: DomainError) -> Failure:
    """What a fault of the domain looks like from outside, where a resource has no better words for it."""
    match error:
        case Invalid() if not any(p.path.startswith("properties.") and not p.path[11:12].isdigit() for p in error.problems):
            details = [{"message": p.message, "code": p.code, "in": p.path} for p in error.problems]
            return Failure(400, "VALIDATION_ERROR", "; ".join(f"{p.path}: {p.message}" for p in error.problems), errors=details)
        case Invalid():
            return invalid_properties([(p.path.removeprefix("properties."), p.code, p.message) for p in error.problems])
        case NotFound():
            return Failure(404, "OBJECT_NOT_FOUND", "resource not found")
        case Conflict():
            suffix = "" if error.existing_id is None else f" Existing ID: {error.existing_id}"
            return Failure(409, "CONFLICT", f"{error}{suffix}")
        case Forbidden():
            return Failure(403, "FORBIDDEN", str(error))
        case _:
            return Failure(400, "VALIDATION_ERROR", str(error))


def invalid_properties(faults: Sequence[tuple[str, str, str]]) -> Failure:
    """Faults as (property, code, text), in the form clients parse: a JSON list at the end of the message."""
    listed = [{"isValid": False, "message": text, "error": code, "name": name, "localizedErrorMessage": text} for name, code, text in faults]
    return Failure(
        400,
        "VALIDATION_ERROR",
        f"Property values were not valid: {json.dumps(listed, ensure_ascii=False)}",
        errors=[{"message": text, "code": code, "context": {"propertyName": [name]}} for name, code, text in faults],
    )


def invalid_request(faults: Sequence[dict[str, Any]]) -> Failure:
    """Faults of a request that does not have the form its resource asks for, as pydantic tells them."""
    missing = [str(fault["loc"][-1]) for fault in faults if fault["type"] == "missing"]
    if missing and "body" in faults[0]["loc"]:
        return Failure(
            400,
            "VALIDATION_ERROR",
            f"Invalid input JSON on line 1, column 1. Some required fields were not set: [{', '.join(missing)}]",
            errors=[{"message": f"Some required fields were not set: [{', '.join(missing)}]", "context": {"missingFields": missing}}],
        )
    details = [{"message": f"{fault['loc'][-1]}: {fault['msg']}", "in": str(fault["loc"][0])} for fault in faults]
    return Failure(400, "VALIDATION_ERROR", "; ".join(detail["message"] for detail in details), errors=details)
