"""The description of the API for programs and generators: OpenAPI, at /api/openapi.json. The page /settings/api/ shows it to people."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

import baton
from baton.api.router import Api, manners
from baton.platform.config import config

ADDRESS = "api/openapi.json"
SCHEME = "token"
ABOUT = (
    "Baton answers HubSpot's public API: every path also answers in HubSpot's other versions (v3, v4, by date such as 2026-03) and with a slash at its end. "
    "Ids and values are strings. Baton works with HubSpot API clients; it is not affiliated with HubSpot."
)
PREFIXES = {"baton_api_hubspot_": "", "baton_api_own_": "baton_"}  # of the names that functions give their operations
METHODS = ("get", "post", "put", "patch", "delete")


def url(made: Api) -> URLPattern:
    """Where the description of this API is."""

    @cache
    def text() -> str:
        return json.dumps(describe(made), ensure_ascii=False)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(text(), content_type="application/json;charset=utf-8")

    return path(ADDRESS, manners(view))


def describe(made: Api) -> dict[str, Any]:
    """The document: what ninja knows of the routes, completed by how to call, which scope is needed, and what errors look like."""
    document: dict[str, Any] = made.get_openapi_schema(path_prefix="/")
    document["info"] = {"title": "Baton API", "version": baton.__version__, "description": ABOUT}
    document["servers"] = [{"url": config().url}]
    components = document.setdefault("components", {})
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    components.setdefault("schemas", {}).update(SCHEMAS)
    needs = _needs(made)
    taken: set[str] = set()
    for address, item in document["paths"].items():
        for method in [word for word in METHODS if word in item]:
            operation = item[method] = dict(item[method])  # a function that answers two methods has one for both
            operation["operationId"] = _name(str(operation.get("operationId", "")), method, taken)
            operation["responses"] = {str(status): dict(answer) for status, answer in operation["responses"].items()}
            operation["responses"]["default"] = {"description": "An error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
            if (known := SHOWN.get((address, method))) is not None:
                status, schema = known
                operation["responses"][status]["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
            if (scopes := needs.get((address, method))) is not None:
                operation["security"] = [{SCHEME: []}]
                operation["x-scopes"] = scopes
    return document


def _name(given: str, method: str, taken: set[str]) -> str:
    """A name of its own for an operation: properties_listing."""
    for prefix, word in PREFIXES.items():
        given = word + given.removeprefix(prefix) if given.startswith(prefix) else given
    base = name = given or method
    number = 1
    while name in taken:
        number += 1
        name = f"{base}_{method}" if number == 2 else f"{base}_{method}_{number}"
    taken.add(name)
    return name


def _needs(made: Api) -> dict[tuple[str, str], list[str]]:
    """(address, method) -> the scopes of which one is enough; none for what depends on the object type of the address."""
    found: dict[tuple[str, str], list[str]] = {}
    for _prefix, router in made._routers:
        for address, view in router.path_operations.items():
            for operation in view.operations:
                callbacks: list[Callable[..., Any]] = list(operation.auth_callbacks)
                for method in operation.methods if callbacks else ():
                    found[address, method.lower()] = list(getattr(callbacks[0], "scopes", ()))
    return found


_TEXT: dict[str, Any] = {"type": "string"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_PAGING: dict[str, Any] = {
    "type": "object",
    "properties": {"next": {"type": "object", "properties": {"after": _TEXT, "link": {"type": "string", "format": "uri"}}}},
}
_RECORDS: dict[str, Any] = {"type": "array", "items": {"$ref": "#/components/schemas/Record"}}
SCHEMAS: dict[str, Any] = {
    "Error": {
        "title": "Error",
        "description": "What went wrong.",
        "type": "object",
        "required": ["status", "message", "category", "correlationId"],
        "properties": {
            **dict.fromkeys(("status", "message", "category", "subCategory", "correlationId"), _TEXT),
            "errors": {"type": "array", "items": {"type": "object"}},
            "context": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
            "links": {"type": "object", "additionalProperties": _TEXT},
        },
    },
    "Record": {
        "title": "Record",
        "description": "A record: values are strings or null.",
        "type": "object",
        "required": ["id", "properties", "createdAt", "updatedAt", "archived"],
        "properties": {
            "id": _TEXT,
            "properties": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            "createdAt": _MOMENT,
            "updatedAt": _MOMENT,
            "archived": {"type": "boolean"},
            "archivedAt": _MOMENT,
            "propertiesWithHistory": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
            "associations": {"type": "object", "additionalProperties": {"type": "object"}},
        },
    },
    "RecordPage": {"title": "RecordPage", "type": "object", "required": ["results"], "properties": {"results": _RECORDS, "paging": _PAGING}},
    "FoundRecords": {
        "title": "FoundRecords",
        "type": "object",
        "required": ["total", "results"],
        "properties": {"total": {"type": "integer"}, "results": _RECORDS, "paging": _PAGING},
    },
}
_OBJECTS = "/crm/v3/objects/{object_type}"
SHOWN = {  # answers whose functions give plain dictionaries: (address, method) -> status, schema
    (_OBJECTS, "get"): ("200", "RecordPage"),
    (_OBJECTS, "post"): ("201", "Record"),
    (f"{_OBJECTS}/{{id}}", "get"): ("200", "Record"),
    (f"{_OBJECTS}/{{id}}", "patch"): ("200", "Record"),
    (f"{_OBJECTS}/search", "post"): ("200", "FoundRecords"),
}
