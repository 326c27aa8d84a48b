"""Landing pages: all of them with what they brought, and new ones from a starter; their versions; copies, and putting them aside."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.content import addresses, assets, counts, pages, starters
from baton.content.models import Asset, LandingPage
from baton.forms.models import Form
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound

from ..answer import faults, go, toast
from ..page import Page, actor, allow
from ..parts import content_numbers, content_scored, content_tags, content_words

PAGE = 50


class ContentPages(Page):
    key = "content-pages"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("content/pages/", index),
            path("content/pages/new/", new),
            path("content/pages/<int:pk>/do/", act),
            path("content/pages/<int:pk>/versions/", versions),
        ]


@require_GET
@allow("content")
def index(request: HttpRequest) -> HttpResponse:
    """All landing pages, the last changed first; `?archived=1` shows those put aside."""
    return render(request, "content/pages.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    aside = bool(request.GET.get("archived"))
    asked = request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    found = LandingPage.objects.filter(archived_at__isnull=not aside).select_related("published").order_by("-updated_at", "-pk")
    total = found.count()
    shown = list(found[(number - 1) * PAGE : number * PAGE])
    numbers, points = content_numbers.numbers(shown), content_scored.points(shown)
    rows = [
        {"page": page, "n": numbers[page.pk], "people": content_numbers.people(page), "points": points[page.pk], "changed": pages.is_changed(page),
         "stage": assets.STAGES.get(page.stage, "")}
        for page in shown
    ]  # fmt: skip
    return {
        "rows": rows, "total": total, "number": number, "more": total > number * PAGE, "aside": aside, "days": counts.DAYS, "tab": "pages",
        "may_edit": permissions.can(request.user, "content", "edit"),
    }  # fmt: skip


@allow("content", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """Choose what to begin with; POST makes the page and opens its builder."""
    given = request.POST
    language = given.get("language") or (get_language() or "ko")[:2]
    words: dict[str, Any] = {
        "starters": [(key, *both) for key, both in starters.NAMES.items()], "chosen": given.get("starter", "product"), "given": given,
        "chosen_language": language, "languages_of_content": content_words.LANGUAGES, "errors": {},
        "forms": Form.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name"),
        "contents": Asset.objects.filter(archived_at=None, published_at__isnull=False).order_by("title", "pk").values_list("pk", "title")[:500],
    }  # fmt: skip
    if request.method == "POST":
        form, asset = (
            int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None for text in (given.get("form", ""), given.get("asset", ""))
        )
        name = given.get("name", "").strip() or str(starters.NAMES.get(given.get("starter", ""), starters.NAMES["empty"])[0])
        try:
            content = starters.content(given.get("starter", ""), language if language in ("ko", "en") else "ko", form=form, asset=asset)
            made = pages.create(
                name, actor=actor(request), slug=given.get("slug", "").strip(), language=language, stage=given.get("stage", ""), content=content
            )
        except Invalid as error:
            return render(request, "content/pages_new.html", {**words, "errors": faults(error), "tab": "pages"}, status=422)
        return go(f"/content/pages/{made.pk}/")
    return render(request, "content/pages_new.html", {**words, "tab": "pages"})


@require_POST
@allow("content", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy, take from the public, put aside, take out again, or make an earlier version the draft."""
    page, who, what = pages.get(pk), actor(request), request.POST.get("do", "")
    match what:
        case "copy":
            return go(f"/content/pages/{pages.duplicate(page, actor=who).pk}/")
        case "revert":
            number = request.POST.get("version", "")
            pages.revert(page, int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 0, actor=who)
            return go(f"/content/pages/{pk}/")
        case "unpublish":
            pages.unpublish(page, actor=who)
            return toast(render(request, "content/pages_rows.html", _context(request)), _("No longer public"))
        case "archive" | "restore":
            (pages.archive if what == "archive" else pages.restore)(page, actor=who)
            back = {"archive": "restore", "restore": "archive"}[what]
            undo = {"url": f"/content/pages/{pk}/do/", "target": "#page-rows", "values": {"do": back}, "swap": "innerMorph"}
            return toast(render(request, "content/pages_rows.html", _context(request)), _("Put aside") if what == "archive" else _("Taken back"), undo)
    raise NotFound(_("This does not exist."))


@require_GET
@allow("content")
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """What was published when and by whom, with the way back."""
    page = pages.get(pk)
    found = list(page.versions.order_by("-number")[:200])
    names = {f"user:{pk}": name for pk, name in User.objects.filter(pk__in={Actor.parse(v.published_by).id for v in found}).values_list("pk", "name")}
    rows = [(version, names.get(version.published_by, "")) for version in found]
    context = {"page": page, "rows": rows, "may_edit": permissions.can(request.user, "content", "edit"), "address": addresses.page_address(page)}
    return render(request, "content/pages_versions.html", context)


def published(request: HttpRequest, page: LandingPage) -> None:
    """Tell lists and scores what the page is."""
    content_tags.say(page, actor=actor(request))
