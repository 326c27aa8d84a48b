"""Settings: what the API can do, for people: every call with its parameters, its body and its answers. Made from the API's own description."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.platform.config import config

from ..page import allow
from ..settings_page import SettingsPage

DOCUMENT = "/api/openapi.json"
LABELS: dict[str, str | Promise] = {  # what an area of the API is called here; the others are shown as they name themselves
    "records": gettext_lazy("Records"),
    "records in batches": gettext_lazy("Many records at once"),
    "search": gettext_lazy("Search"),
    "associations": gettext_lazy("Links"),
    "association labels": gettext_lazy("Names of links"),
    "associations (version 3)": gettext_lazy("Links (version 3)"),
    "properties": gettext_lazy("Properties"),
    "pipelines": gettext_lazy("Pipelines"),
    "schemas": gettext_lazy("Object types"),
    "owners": gettext_lazy("Owners and users"),
    "lists": gettext_lazy("Lists"),
    "forms": gettext_lazy("Forms"),
    "events": gettext_lazy("Events"),
    "account": gettext_lazy("Account and tokens"),
    "versions 1 and 2": gettext_lazy("Versions 1 and 2"),
}
DEEPEST = 3  # objects within objects that are spelled out


class ApiReference(SettingsPage):
    key = "settings_api"
    slug = "api"
    label = gettext_lazy("API reference")
    about = gettext_lazy("What programs can read and write, call by call.")
    glyph = "braces"
    section = "company"
    order = 45
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/api/", page)]


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    found = resolve(DOCUMENT)  # by its address, as any program gets it: pages know nothing of the API
    document = json.loads(found.func(request, *found.args, **found.kwargs).content)
    about = {"label": ApiReference.label, "url": config().url, "document": DOCUMENT}
    return render(request, "settings/api.html", {**about, "areas": areas(document)})


def areas(document: dict[str, Any]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(key, label, calls) for each area of the API, those people ask for most first."""
    schemas = document.get("components", {}).get("schemas", {})
    found: dict[str, list[dict[str, Any]]] = {}
    for address, item in document["paths"].items():
        for method, operation in item.items():
            tag = next(iter(operation.get("tags", [])), "")
            found.setdefault(tag, []).append(_call(address, method, operation, schemas))
    order = list(LABELS)
    tags = sorted(found, key=lambda tag: order.index(tag) if tag in order else len(order))
    return [(tag.replace(" ", "-"), str(LABELS.get(tag, tag)), found[tag]) for tag in tags]


def _call(address: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {"name": one["name"], "where": _("in the path") if one["in"] == "path" else "", "type": _type(one["schema"], schemas), "required": one.get("required")}
        for one in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = []
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if status != "default":
            answers.append({"status": status, "rows": _rows(schema, schemas) if schema else []})
    return {
        "method": method.upper(),
        "address": address,
        "text": operation.get("description") or operation.get("summary", ""),
        "scopes": operation.get("x-scopes", []),
        "open": "security" not in operation,
        "parameters": rows,
        "body": _rows(body, schemas) if body else [],
        "answers": answers,
    }


def _rows(schema: dict[str, Any], schemas: dict[str, Any], before: str = "", depth: int = 1) -> list[dict[str, Any]]:
    """The fields of an object, those of objects within it below it; the elements of a list as `name[]`."""
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        return _rows(schema.get("items", {}), schemas, f"{before}[]" if before else "[]", depth)
    rows = []
    for name, field in schema.get("properties", {}).items():
        path = f"{before}.{name}" if before else name
        rows.append({"name": path, "type": _type(field, schemas), "required": name in schema.get("required", [])})
        if depth < DEEPEST:
            inner = _resolved(field, schemas)
            rows += _rows(inner, schemas, path, depth + 1) if inner.get("type") in ("array", "object") else []
    return rows


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for; of alternatives the first that is not null."""
    if "$ref" in schema:
        return _resolved(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas)
    for word in ("anyOf", "allOf", "oneOf"):
        if word in schema:
            return _resolved(next((one for one in schema[word] if one.get("type") != "null"), {}), schemas)
    return schema


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A type in a word or two, as programmers write it."""
    found = _resolved(schema, schemas)
    kind = found.get("type", "any")
    if isinstance(kind, list):
        kind = " | ".join(kind)
    if kind == "array":
        return f"{_type(found.get('items', {}), schemas)}[]"
    return f"{kind} ({found['format']})" if found.get("format") else str(kind)
