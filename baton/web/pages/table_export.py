"""A table as a file: all that match, or the chosen records, with the columns shown or all of them. The worker writes it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _

from baton.crm.models import ObjectType
from baton.platform.errors import Invalid
from baton.segments import exports, finder

from ..answer import go
from ..page import Page, actor
from ..parts import table as tables
from ..parts.address import BASE, of_type
from ..parts.people import colleagues
from ..parts.table import Table
from ..templatetags.fmt import about, num

MOST = 1000  # chosen records


class TableExport(Page):
    key = "table-export"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"export/$", export)]


@of_type("export")
def export(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """The form; sent, it leads to the exports, where the file appears. 422 with what is wrong."""
    found = tables.read(request, kind, colleagues())
    if found.fault:
        raise Invalid.one("f", "INVALID_FILTER", found.fault)
    if request.method == "POST":
        try:
            exports.start(
                kind.key,
                found.stored,
                found.q,
                _columns(found) if request.POST.get("which") == "shown" else [],
                format=request.POST.get("format", "csv"),
                encoding=request.POST.get("encoding", "utf-8"),
                actor=actor(request),
                ids=_chosen(request),
                title=found.view.name if found.view and not found.changed else "",
            )
        except Invalid as error:
            text = "; ".join(problem.message for problem in error.problems)
            return render(request, "tables/export.html", {**_form(request, found), "fault": text}, status=422)
        return go("/exports/")
    return render(request, "tables/export.html", _form(request, found))


def _form(request: HttpRequest, table: Table) -> dict[str, Any]:
    chosen = "chosen" in request.GET or bool(request.POST.get("chosen"))
    counted = finder.count(table.find)
    n = num(counted.number) if counted.exact else about(counted.number)
    return {
        "table": table,
        "base": table.url,
        "params": table.params,
        "chosen": chosen,
        "said": _("{n} records, as far as they are yours to export.").format(n=n),
        "sentence": table.filter.sentence() if table.filter else "",
    }


def _columns(table: Table) -> list[str]:
    """The columns that are properties, what a record is called by first."""
    names = ["lastname", "firstname", "email"] if table.kind.key == "contact" else [table.kind.primary_property]
    shown = [column.name for column in table.columns if column.definition or column.name in ("created_at", "updated_at")]
    return list(dict.fromkeys(["id", *names, *shown]))


def _chosen(request: HttpRequest) -> list[int] | None:
    """The records chosen in the table; None: all that match."""
    if request.POST.get("all") == "1" or not request.POST.get("chosen"):
        return None
    ids = [int(i) for i in request.POST.getlist("id") if i.isascii() and i.isdigit() and len(i) < 19]
    if not ids or len(ids) > MOST:
        raise Invalid.one("id", "REQUIRED", _("Choose at least one record."))
    return ids
