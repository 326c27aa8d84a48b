"""The builder of a landing page: its blocks, the settings of the chosen one, the public page beside them; its images; and publishing it."""

import json
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.content import addresses, assets, blocks, pages
from baton.content.kinds import KINDS, Field
from baton.content.models import Asset, LandingPage
from baton.crm import files
from baton.forms.models import Form
from baton.platform.errors import Invalid, NotFound, Problem

from ..answer import faults, toast
from ..page import Page, actor, allow
from ..parts import builder, content_tags
from .content_public import landing_page
from .record_files import file_parts

ABOUT = "about"  # the key of the panel with the page's own settings


class ContentBuilder(Page):
    key = "content-builder"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("content/pages/<int:pk>/", show),
            path("content/pages/<int:pk>/blocks/", change),
            path("content/pages/<int:pk>/blocks/<str:key>/", block),
            path("content/pages/<int:pk>/images/", upload),
            path("content/pages/<int:pk>/preview/", preview),
            path("content/pages/<int:pk>/publish/", publish),
        ]


def _context(request: HttpRequest, page: LandingPage, chosen: str = "") -> dict[str, Any]:
    found = blocks.problems(page.draft)
    faulty = {problem.path.split(".")[1]: problem.message for problem in reversed(found) if problem.path.startswith("blocks.")}
    return {
        "page": page, "blocks": [_line(one, faulty.get(one["key"], "")) for one in page.draft["blocks"]], "chosen": chosen,
        "blocks_url": f"/content/pages/{page.pk}/blocks/", "kinds": [builder.Kind(kind.key, str(kind.label), kind.icon) for kind in KINDS.values()],
        "preview_url": f"/content/pages/{page.pk}/preview/", "preview_desk": 1120, "changed": pages.is_changed(page),
        "version": page.published and page.published.number,
        "may_edit": permissions.can(request.user, "content", "edit") and page.archived_at is None, "address": addresses.page_address(page), "about": ABOUT,
    }  # fmt: skip


def _line(one: dict[str, Any], fault: str) -> builder.Block:
    kind = KINDS[one["kind"]]
    return builder.Block(one["key"], blocks.name(one) or str(kind.label), str(kind.label), kind.icon, fault=fault)


@require_GET
@allow("content")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder; `?block=` opens the settings of one."""
    page = pages.get(pk)
    keys = [one["key"] for one in page.draft["blocks"]]
    asked = request.GET.get("block", "")
    chosen = asked if asked in keys or asked == ABOUT else keys[0] if keys else ABOUT
    return render(request, "content/builder.html", {**_context(request, page, chosen), **_panel(page, chosen)})


@require_POST
@allow("content", "edit")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Move, copy, take away, bring back or add a block; answers the list, and the settings of the block it is about."""
    page, who = pages.get(pk), actor(request)
    what, key, kind, where = (request.POST.get(name, "") for name in ("do", "block", "kind", "to"))
    chosen, gone = key, None
    match what:
        case "move":
            pages.move(page, key, int(where) if where.isascii() and where.isdecimal() and len(where) < 5 else 0, actor=who)
        case "copy":
            chosen = pages.add(page, _one(page, key)["kind"], actor=who, after=key, block=_one(page, key))
        case "add":
            chosen = pages.add(page, kind, actor=who, after=key)
        case "drop":
            gone = pages.drop(page, key, actor=who)
            left = [one["key"] for one in page.draft["blocks"]]
            chosen = left[min(gone[0], len(left) - 1)] if left else ABOUT
        case "back":
            kept = builder.recall(request.session, f"page:{pk}", key)
            if kept is None:
                raise NotFound(_("This block can no longer be brought back."))
            pages.put_back(page, kept[1], kept[0], actor=who)
        case _:
            raise NotFound(_("This does not exist."))
    panel = {} if what == "move" else _panel(page, chosen)
    response = _answer(request, page, chosen, "content/builder_changed.html", panel)
    if gone:
        builder.remember(request.session, f"page:{pk}", key, *gone)
        name = _line(gone[1], "").name
        builder.undoable(response, _("“{name}” was taken out.").format(name=name), f"/content/pages/{pk}/blocks/", key)
        response["HX-Trigger"] = json.dumps({**json.loads(response["HX-Trigger"]), "draft-changed": True})
    return response


@allow("content")
def block(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The settings of a block, or of the page itself (GET); what was changed in them (POST)."""
    page = pages.get(pk)
    if request.method != "POST":
        return render(request, "content/builder_panel.html", {**_context(request, page, key), **_panel(page, key)})
    permissions.require(request.user, "content", "edit")
    if key != ABOUT:
        kind = KINDS[_one(page, key)["kind"]]
        pages.change(page, key, _given(kind.fields, request.POST), actor=actor(request))
        return _answer(request, page, key, "content/builder_saved.html", _panel(page, key))
    sent = request.POST
    image = sent.get("image", "")
    try:
        pages.update(page, actor=actor(request), **{name: sent[name] for name in pages.SETTINGS if name in sent})
    except Invalid as error:
        tried = {name: sent.get(name, "") for name in pages.SETTINGS}
        return render(
            request, "content/builder_panel.html", {**_context(request, page, key), **_panel(page, key), "tried": tried, "errors": faults(error)}, status=422
        )
    pages.describe(
        page, actor=actor(request), title=sent.get("title", ""), description=sent.get("description", ""),
        accent=sent.get("accent", ""), mode=sent.get("mode", ""),
        image=int(image) if image.isascii() and image.isdecimal() and len(image) < 19 else None,
    )  # fmt: skip
    if page.published is not None:
        content_tags.say(page, actor=actor(request))
    return _answer(request, page, key, "content/builder_saved.html", _panel(page, key))


def _answer(request: HttpRequest, page: LandingPage, chosen: str, template: str, more: dict[str, Any]) -> HttpResponse:
    """What changed on the page; the preview is told that there is something new to show."""
    response = render(request, template, {**_context(request, page, chosen), **more, "saved": True})
    response["HX-Trigger"] = json.dumps({"draft-changed": True})
    return response


def _one(page: LandingPage, key: str) -> dict[str, Any]:
    found = next((one for one in page.draft["blocks"] if one["key"] == key), None)
    if found is None:
        raise NotFound(_("This block no longer exists."))
    return dict(found)


def _given(fields: tuple[Field, ...], sent: QueryDict) -> dict[str, Any]:
    """What a panel sent: rows come as a list for each of their fields, in the order in which they stand."""
    given: dict[str, Any] = {}
    for field in fields:
        if field.input != "rows":
            given[field.name] = sent.get(field.name, "")
            continue
        columns = {part.name: sent.getlist(f"{field.name}.{part.name}") for part in field.rows}
        longest = max((len(values) for values in columns.values()), default=0)
        given[field.name] = [{name: values[at] if at < len(values) else "" for name, values in columns.items()} for at in range(longest)]
    return given


def _panel(page: LandingPage, key: str) -> dict[str, Any]:
    images = [about for about in files.of([page.pk]) if about.media_type.startswith("image/")]
    shared: dict[str, Any] = {"images": images, "panel_key": key, "errors": {}, "tried": {}}
    if key == ABOUT:
        theme = blocks.theme(page.draft.get("theme"))
        return {**shared, "theme": theme, "modes": blocks.MODES.items(), "stages": assets.STAGES.items()}
    one = _one(page, key)
    kind = KINDS[one["kind"]]
    problems = {problem.path.partition(f"blocks.{key}.")[2]: problem.message for problem in reversed(blocks.problems(page.draft)) if f".{key}." in problem.path}
    inputs = [field.input for field in kind.fields]
    return {
        **shared, "block": one, "kind": kind, "faults": problems,
        "fields": [{"field": field, "value": one.get(field.name), "fault": _fault(problems, field), "rows": _rows(field, one)} for field in kind.fields],
        "forms": Form.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name") if "form" in inputs else (),
        "contents": _contents() if "asset" in inputs else (),
    }  # fmt: skip


def _contents() -> list[tuple[int, str]]:
    return list(Asset.objects.filter(archived_at=None, published_at__isnull=False).order_by("title", "pk").values_list("pk", "title")[:500])


def _fault(problems: dict[str, str], field: Field) -> str:
    return next((text for path, text in problems.items() if path.partition(".")[0] == field.name), "")


def _rows(field: Field, one: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Each row as its fields with values."""
    return [[{"field": part, "value": row.get(part.name)} for part in field.rows] for row in one.get(field.name) or []] if field.input == "rows" else []


@require_POST
@allow("content", "edit")
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep an image with the page; it can be chosen then. Answers the panel the sender looks at."""
    page, key = pages.get(pk), request.POST.get("panel", ABOUT)
    sent = request.FILES.get("file")
    try:
        if not isinstance(sent, UploadedFile):
            raise Invalid.one("file", "REQUIRED", _("Choose a file first."))
        name, content = file_parts(sent)
        if not files.media_type(content).startswith("image/"):
            raise Invalid([Problem("file", "INVALID", _("This is no picture that browsers show (PNG, JPEG, GIF, WebP)."))])
        made = files.add(page.pk, name, content, actor=actor(request))
    except Invalid as error:
        return toast(
            render(request, "content/builder_panel.html", {**_context(request, page, key), **_panel(page, key)}, status=422), error.problems[0].message
        )
    if key == ABOUT:
        draft = page.draft
        pages.describe(page, actor=actor(request), title=draft["title"], description=draft["description"], image=made, **blocks.theme(draft.get("theme")))
    elif any(field.input == "image" for field in KINDS[_one(page, key)["kind"]].fields):
        pages.change(page, key, {**_one(page, key), "image": made}, actor=actor(request))
    return _answer(request, page, key, "content/builder_saved.html", _panel(page, key))


@require_GET
@allow("content")
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as the public would see it; `?version=` shows an earlier one. Nothing in it is tracked."""
    page = pages.get(pk)
    number = request.GET.get("version", "")
    version = page.versions.filter(number=int(number)).first() if number.isascii() and number.isdecimal() and len(number) < 9 else None
    response = landing_page(request, page, version.content if version else page.draft, preview=True)
    response["Cache-Control"] = "no-store"
    return response


@allow("content", "edit")
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """What must be put right before it can be published (GET); publishing it (POST)."""
    page = pages.get(pk)
    if request.method == "POST":
        try:
            made = pages.publish(page, actor=actor(request))
        except Invalid:
            return render(request, "content/builder_publish.html", _before(request, page), status=422)
        content_tags.say(page, actor=actor(request))
        response = render(request, "content/builder_published.html", {**_context(request, page), "made": made})
        return toast(response, _("Version {n} is public").format(n=made.number))
    return render(request, "content/builder_publish.html", _before(request, page))


def _before(request: HttpRequest, page: LandingPage) -> dict[str, Any]:
    lines = {line.key: line for line in _context(request, page)["blocks"]}
    found = []
    for problem in blocks.problems(page.draft):
        key = problem.path.split(".")[1] if problem.path.startswith("blocks.") else ABOUT
        found.append({"key": key, "where": lines[key].name if key in lines else _("The page itself"), "text": problem.message})
    return {**_context(request, page), "faults": found}
