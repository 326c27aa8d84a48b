"""One piece of content: its settings, its file, who is asked before it opens, its numbers with the people behind them, and what gives points for it."""

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.accounts import permissions, rights
from baton.content import assets, counts, gate
from baton.content.models import Asset
from baton.crm import records, uses
from baton.crm.uses import Mention
from baton.forms.models import Form
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

from ..answer import done, faults, toast
from ..page import Page, actor, allow, user
from ..parts import content_numbers, content_scored, content_tags, content_words
from .content import title as task_title
from .record_files import file_parts


class ContentAsset(Page):
    key = "content-asset"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("content/<int:pk>/", show),
            path("content/<int:pk>/file/", file),
            path("content/<int:pk>/do/", act),
            path("content/<int:pk>/gate/", behaviour),
            path("content/<int:pk>/task/", task),
        ]


@allow("content")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the page. POST: saves the settings; faults come back under their fields."""
    asset = assets.get(pk)
    if request.method != "POST":
        return render(request, "content/asset.html", _context(request, asset))
    permissions.require(request.user, "content", "edit")
    before = list(asset.topics)
    given: dict[str, Any] = {}
    try:
        given = _given(request, asset)
        assets.update(asset, actor=actor(request), **given)
    except Invalid as error:
        shown = assets.get(pk)
        for name, value in given.items():
            setattr(shown, name, value)
        return render(request, "content/asset_body.html", {**_context(request, shown), "errors": faults(error)}, status=422)
    if asset.published_at is not None:
        content_tags.say(asset, before=before, actor=actor(request))
    return toast(render(request, "content/asset_saved.html", _context(request, asset)), _("Saved"))


def _given(request: HttpRequest, asset: Asset) -> dict[str, Any]:
    sent = request.POST
    given: dict[str, Any] = {name: sent[name] for name in ("title", "description", "stage", "gate", "language", "url", "replay_url") if name in sent}
    if "topics" in sent:
        given["topics"] = [word for word in sent["topics"].split(",") if word.strip()]
    if "form_id" in sent:
        given["form_id"] = _number(sent["form_id"])
    if "minutes" in sent:
        given["minutes"] = _number(sent["minutes"])
    if "starts_at" in sent:
        given["starts_at"] = _moment(sent["starts_at"])
    return given


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _moment(text: str) -> datetime | None:
    """A time in the account's zone."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=config().zone)
    except ValueError:
        raise Invalid.one("starts_at", "INVALID_DATE", _("Expected a day and a time.")) from None


def _context(request: HttpRequest, asset: Asset) -> dict[str, Any]:
    forms = list(Form.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name"))
    number = content_numbers.numbers([asset])[asset.pk]
    return {
        "asset": asset, "errors": {}, "file": assets.file_of(asset), "address": gate.address(asset), "kind": assets.KINDS[asset.kind],
        "icon": content_words.ICONS[asset.kind], "stages": [(key, label, content_words.READERS[key]) for key, label in assets.STAGES.items()],
        "gates": assets.GATES.items(), "forms": forms, "languages_of_content": content_words.LANGUAGES, **_behaviour(asset),
        "n": number, "people": content_numbers.people(asset), "days": counts.DAYS, "points": content_scored.points([asset])[asset.pk],
        "uses": uses.of(Mention("asset", str(asset.pk))), "missing": assets.missing(asset), "may_edit": permissions.can(request.user, "content", "edit"),
        "may_task": rights.of(user(request)).may("task", "create"), "may_import": permissions.can(request.user, "imports"), "tab": "library",
        "starts": asset.starts_at.astimezone(config().zone).strftime("%Y-%m-%dT%H:%M") if asset.starts_at else "",
    }  # fmt: skip


def _behaviour(asset: Asset) -> dict[str, Any]:
    unknown, known = content_words.asked(asset)
    return {"ask_unknown": unknown, "ask_known": known, "once": asset.gate == "by_stage" and unknown and known, "asset": asset}


@allow("content")
def behaviour(request: HttpRequest, pk: int) -> HttpResponse:
    """What a stage and a gate would mean, in words, before it is saved."""
    asset = assets.get(pk)
    stage, rule = request.GET.get("stage", ""), request.GET.get("gate", "")
    asset.stage = stage if stage in assets.STAGES else asset.stage
    asset.gate = rule if rule in assets.GATES else asset.gate
    return render(request, "content/behaviour.html", _behaviour(asset))


@require_POST
@allow("content", "edit")
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Another file in place of the one there is."""
    asset = assets.get(pk)
    sent = request.FILES.get("file")
    try:
        if not isinstance(sent, UploadedFile):
            raise Invalid.one("file", "REQUIRED", _("Choose a file first."))
        assets.set_file(asset, *file_parts(sent), actor=actor(request))
    except Invalid as error:
        return render(request, "content/file.html", {**_context(request, asset), "errors": faults(error)}, status=422)
    return toast(render(request, "content/file_saved.html", _context(request, asset)), _("File added"))


@require_POST
@allow("content", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish, take back, put aside or take out again."""
    asset = assets.get(pk)
    what, who = request.POST.get("do", ""), actor(request)
    verbs = {"publish": assets.publish, "unpublish": assets.unpublish, "archive": assets.archive, "restore": assets.restore}
    if what not in verbs:
        raise NotFound(_("This does not exist."))
    try:
        verbs[what](asset, actor=who)
    except Invalid as error:
        response = render(request, "content/asset_saved.html", {**_context(request, asset), "errors": faults(error)}, status=422)
        return toast(response, _("Before it can be published: {what}").format(what=" ".join(problem.message for problem in error.problems)))
    if what == "publish":
        content_tags.say(asset, actor=who)
    said = {"publish": _("Published"), "unpublish": _("No longer public"), "archive": _("Put aside"), "restore": _("Taken back")}[what]
    back = {"publish": "unpublish", "unpublish": "publish", "archive": "restore", "restore": "archive"}[what]
    undo = {"url": f"/content/{pk}/do/", "target": "#content-asset", "values": {"do": back}, "swap": "innerHTML"}
    return toast(render(request, "content/asset_saved.html", _context(request, asset)), said, undo)


@require_POST
@allow("content")
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """A task for the reader: give this points."""
    asset = assets.get(pk)
    rights.of(user(request)).require("task", "create")
    subject = task_title(asset.title)
    given = {"subject": subject, "owner_id": str(user(request).pk), "kind": "TODO", "status": "NOT_STARTED"}
    records.create("task", given, actor=actor(request), source="page")
    return done(_("Task added: {subject}").format(subject=subject))
