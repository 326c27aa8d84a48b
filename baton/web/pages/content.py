"""Content: the library with stage, gate and numbers of each piece; what is missing at which stage; and new pieces."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.content import assets, counts, gaps
from baton.content.models import Asset
from baton.platform.errors import Invalid

from ..answer import faults, go, targets
from ..page import Page, actor, allow
from ..parts import content_numbers, content_scored, content_words

PAGE = 50


class Content(Page):
    key = "content"
    label = gettext_lazy("Content")
    icon = "library"
    group = "marketing"
    order = 40
    area = "content"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("content/", library), path("content/new/", create), path("content/stages/", stages)]


@require_GET
@allow("content")
def library(request: HttpRequest) -> HttpResponse:
    """All pieces, the newest first; `?stage=`, `?kind=`, `?q=` narrow them, `?archived=1` shows those put aside."""
    chosen = {name: request.GET.get(name, "") for name in ("stage", "kind", "q", "archived")}
    chosen["stage"], chosen["kind"] = (chosen[name] if chosen[name] in known else "" for name, known in (("stage", assets.STAGES), ("kind", assets.KINDS)))
    found = Asset.objects.filter(archived_at__isnull=not chosen["archived"]).order_by("-updated_at", "-pk")
    for name in ("stage", "kind"):
        if chosen[name]:
            found = found.filter(**{name: chosen[name]})
    if text := chosen["q"].strip().replace("\0", ""):
        found = found.filter(title__icontains=text)
    total, number = found.count(), _page(request)
    context = {
        "rows": _rows(list(found[(number - 1) * PAGE : number * PAGE])), "total": total, "number": number, "more": total > number * PAGE, "chosen": chosen,
        "params": {name: value for name, value in chosen.items() if value}, "stages": assets.STAGES.items(), "kinds": assets.KINDS.items(),
        "icons": content_words.ICONS, "days": counts.DAYS, "tab": "library", "may_edit": permissions.can(request.user, "content", "edit"),
        "languages_of_content": content_words.LANGUAGES,
    }  # fmt: skip
    return render(request, "content/rows.html" if targets(request, "content-rows") else "content/library.html", context)


def _rows(found: Sequence[Asset]) -> list[dict[str, Any]]:
    numbers, points = content_numbers.numbers(found), content_scored.points(found)
    return [
        {"asset": asset, "n": numbers[asset.pk], "people": content_numbers.people(asset), "points": points[asset.pk], "icon": content_words.ICONS[asset.kind],
         "kind": assets.KINDS[asset.kind], "stage": assets.STAGES[asset.stage], "gate": content_words.gate(asset)}
        for asset in found
    ]  # fmt: skip


def _page(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1


@require_POST
@allow("content", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """A piece of this kind and title; its page opens."""
    given = request.POST
    try:
        made = assets.create(
            given.get("kind", ""), given.get("title", ""), actor=actor(request), stage=given.get("stage", "middle"), language=given.get("language", "ko")
        )
    except Invalid as error:
        words = {"given": given, "errors": faults(error), "stages": assets.STAGES.items(), "kinds": assets.KINDS.items()}
        return render(request, "content/new.html", {**words, "icons": content_words.ICONS, "languages_of_content": content_words.LANGUAGES}, status=422)
    return go(f"/content/{made.pk}/")


@require_GET
@allow("content")
def stages(request: HttpRequest) -> HttpResponse:
    """What there is for whom, and what is missing: by kind, or `?by=topic`."""
    by = "topic" if request.GET.get("by") == "topic" else "kind"
    found = list(Asset.objects.filter(archived_at=None, published_at__isnull=False).order_by("title", "pk")[:2000])
    numbers = content_numbers.numbers(found)
    report = gaps.report(found, numbers, by)
    most = max([cell.n for row in report.rows for cell in row.cells.values()], default=0)
    context = {
        "report": report, "by": by, "stages": assets.STAGES.items(), "most": most, "days": counts.DAYS, "tab": "stages", "about": content_words.READERS,
        "rows": [(row, [(key, row.cells[key], row.cells[key].n * 4 // most if most else 0) for key in assets.STAGES]) for row in report.rows],
        "total": [(key, report.total.cells[key]) for key in assets.STAGES], "may_edit": permissions.can(request.user, "content", "edit"),
    }  # fmt: skip
    return render(request, "content/stages.html", context)


def title(name: str) -> str:
    """A title for a task about giving points."""
    return _("Assign points to “{name}”").format(name=name)
