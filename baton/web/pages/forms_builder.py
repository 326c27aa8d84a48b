"""The builder of one form: its fields and parts as blocks, the settings of the chosen one, the public page beside them; and publishing it."""

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.crm import consent, properties
from baton.forms import definition as documents
from baton.forms import quarantine, verbs
from baton.forms.definition import Definition
from baton.forms.models import Form
from baton.forms.shown import Shown
from baton.messaging.consent import subscriptions
from baton.platform.errors import Invalid, NotFound

from ..answer import go, toast
from ..middleware import POLICY
from ..page import Page, actor, allow
from ..parts import builder, form_draft, form_presets, form_words
from ..parts.people import colleagues
from . import form_page
from .forms import one

USUAL = ("email", "lastname", "firstname", "company", "jobtitle", "phone", "mobilephone", "numberofemployees", "industry", "website", "timeframe")


class FormsBuilder(Page):
    key = "forms-builder"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("forms/<int:pk>/", show),
            path("forms/<int:pk>/blocks/", change),
            path("forms/<int:pk>/blocks/<str:key>/", block),
            path("forms/<int:pk>/parts/<str:part>/", part),
            path("forms/<int:pk>/files/", file),
            path("forms/<int:pk>/preview/", preview),
            path("forms/<int:pk>/publish/", publish),
        ]


def head(request: HttpRequest, form: Form, tab: str) -> dict[str, Any]:
    """What every page of a form shows above: its name, its state, and the way to the other pages."""
    return {
        "form": form, "tab": tab, "may_edit": permissions.can(request.user, "forms", "edit") and form.archived_at is None,
        "test": verbs.running(form), "changed": verbs.is_changed(form), "waiting": quarantine.count(form),
    }  # fmt: skip


def _context(request: HttpRequest, form: Form, chosen: str = "") -> dict[str, Any]:
    some, problems = form_draft.blocks(form.draft), documents.publish_problems(form.draft)
    found = form_words.faults(form.draft, problems)
    faulty = {fault.block: fault.text for fault in reversed(found) if fault.block}
    lines = [_line(key, one_block, faulty.get(key, "")) for key, one_block in zip(form_draft.keys(some), some, strict=True)]
    asked = {str(field.get("name")) for field in form.draft.get("fields", [])}
    known = [d for d in properties.definitions("contact").values() if form_draft.may_ask(d) and d.name not in asked]
    known.sort(key=lambda d: (USUAL.index(d.name) if d.name in USUAL else len(USUAL), properties.label(d)))
    return {
        **head(request, form, "build"),
        "blocks": lines, "chosen": chosen, "blocks_url": f"/forms/{form.pk}/blocks/", "faults": found,
        "parts": [(kind, next((f.text for f in found if f.part == kind.key), "")) for kind in form_words.PARTS],
        "properties": [builder.Kind(f"property:{d.name}", properties.label(d), _icon(form_draft.asked_as(d))) for d in known],
        "kinds": [kind for kind in form_words.KINDS.values()],
        "preview_url": f"/forms/{form.pk}/preview/", "preview_desk": 640, "preview_languages": _languages(form),
    }  # fmt: skip


def _languages(form: Form) -> list[tuple[str, str]]:
    both = [("ko", "한국어"), ("en", "English")]
    return both if form.draft.get("language", "ko") == "ko" else both[::-1]


def _icon(kind: str) -> str:
    return form_words.KINDS[kind].icon if kind in form_words.KINDS else "text-cursor-input"


def _line(key: str, found: form_draft.Block, fault: str) -> builder.Block:
    if "step" in found:
        return builder.Block(key, found["step"] or _("Step"), form_words.label_of("step"), "separator-horizontal", fault=fault)
    kind, marks = str(found["type"]), []
    if found.get("required"):
        marks.append(("asterisk", _("required")))
    if found.get("when"):
        marks.append(("split", _("shown under a condition")))
    if (ask := found.get("ask", "always")) != "always":
        marks.append(("user-check" if ask == "if_unknown" else "list-end", str(form_words.ASK[ask][0])))
    name = str(found.get("label") or found.get("text") or found["name"]).strip()
    said = form_words.label_of(kind)
    if kind == "hidden":
        said = str(found.get("from", "")).removeprefix("query:") or said
    return builder.Block(key, name[:80], said, _icon(kind), marks, fault)


@require_GET
@allow("forms")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The builder; `?field=` or `?part=` opens the settings of one."""
    form = one(pk, archived=True)
    asked = request.GET.get("part", "")
    if asked in {kind.key for kind in form_words.PARTS}:
        return render(request, "forms_builder/page.html", {**_context(request, form), "part": asked, **_part(form, asked)})
    keys = form_draft.keys(form_draft.blocks(form.draft))
    chosen = request.GET.get("field", "")
    chosen = chosen if chosen in keys else keys[0]
    return render(request, "forms_builder/page.html", {**_context(request, form, chosen), **_panel(form, chosen)})


# Changes of the draft -----------------------------------------------------------------


def _changed(request: HttpRequest, pk: int, how: Callable[[Definition], Definition]) -> Form:
    """The form with its draft changed; two who change it at once go one after the other. Raises Invalid."""
    with transaction.atomic():
        form = Form.objects.select_for_update().filter(pk=pk, archived_at=None).first()
        if form is None:
            raise NotFound(_("This form no longer exists."))
        return verbs.save(form, actor=actor(request), definition=how(form.draft))


def _answer(request: HttpRequest, form: Form, chosen: str, template: str, more: dict[str, Any]) -> HttpResponse:
    """What changed on the page; the preview is told that there is something new to show."""
    response = render(request, template, {**_context(request, form, chosen), **more, "saved": True})
    response["HX-Trigger"] = json.dumps({"draft-changed": True})
    return response


@require_POST
@allow("forms", "edit")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Move, copy, take away, bring back or add a block; answers the list, and the settings of the block it is about."""
    what, key, kind = (request.POST.get(name, "") for name in ("do", "block", "kind"))
    where = request.POST.get("to", "")
    to = int(where) if where.isascii() and where.isdecimal() and len(where) < 5 else 0
    after: list[str] = [key]
    gone: list[tuple[int, form_draft.Block]] = []

    def how(draft: Definition) -> Definition:
        if what == "move":
            return form_draft.move(draft, key, to)
        if what == "copy":
            new, after[0] = form_draft.copy(draft, key)
        elif what == "add":
            new, after[0] = form_draft.add(draft, kind, key)
        elif what == "back":
            kept = builder.recall(request.session, f"form:{pk}", key)
            if kept is None:
                raise NotFound(_("This field can no longer be brought back."))
            new, after[0] = form_draft.put(draft, *kept)
        elif what == "drop":
            new, at, block = form_draft.drop(draft, key)
            gone.append((at, block))
        else:
            raise NotFound(_("This does not exist."))
        return new

    try:
        form = _changed(request, pk, how)
    except Invalid as error:
        form = one(pk)
        text = " ".join(dict.fromkeys(fault.text for fault in form_words.faults(form.draft, error.problems)))
        return toast(render(request, "forms_builder/changed.html", _context(request, form, key)), text)
    keys = form_draft.keys(form_draft.blocks(form.draft))
    chosen = after[0] if after[0] in keys else keys[0]
    response = _answer(request, form, chosen, "forms_builder/changed.html", _panel(form, chosen) if what != "move" else {"quiet": True})
    if gone:
        builder.remember(request.session, f"form:{pk}", key, *gone[0])
        name = _line(key, gone[0][1], "").name
        builder.undoable(response, _("“{name}” was taken out.").format(name=name), f"/forms/{pk}/blocks/", key)
        response["HX-Trigger"] = json.dumps({**json.loads(response["HX-Trigger"]), "draft-changed": True})
    return response


@allow("forms")
def block(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The settings of a field or step (GET); what was changed in them (POST)."""
    if request.method != "POST":
        form = one(pk, archived=True)
        return render(request, "forms_builder/panel.html", {**head(request, form, "build"), **_panel(form, key)})
    permissions.require(request.user, "forms", "edit")
    new_key = [key]

    def how(draft: Definition) -> Definition:
        some = form_draft.blocks(draft)
        old = some[form_draft.place(some, key)]
        field = {"step": request.POST.get("title", "").strip()} if "step" in old else form_draft.field_of(old, request.POST)
        if "more" in request.GET:
            field = form_draft.with_test(field, some, form_draft.place(some, key))
        new_key[0] = key if "step" in old else str(field["name"])
        return form_draft.replace(draft, key, field)

    try:
        form = _changed(request, pk, how)
    except Invalid as error:
        return _refused(request, pk, key, how, error)
    return _answer(request, form, new_key[0], "forms_builder/panel_saved.html", _panel(form, new_key[0]))


def _refused(request: HttpRequest, pk: int, key: str, how: Callable[[Definition], Definition], error: Invalid) -> HttpResponse:
    """The panel as it was typed, with its faults; the draft stays."""
    form = one(pk)
    tried = how(form.draft)
    found = form_words.faults(tried, error.problems)
    shown = Form(pk=form.pk, name=form.name, draft=tried)
    keys = form_draft.keys(form_draft.blocks(tried))
    panel = _panel(shown, key if key in keys else keys[0], faults={fault.last: fault.text for fault in reversed(found)})
    return render(request, "forms_builder/panel.html", {**head(request, form, "build"), **panel, "form": form, "url_key": key}, status=422)


def _panel(form: Form, key: str, faults: dict[str, str] | None = None) -> dict[str, Any]:
    some = form_draft.blocks(form.draft)
    found = some[form_draft.place(some, key)]
    if faults is None:
        problems = form_words.faults(form.draft, documents.check(form.draft))
        faults = {fault.last: fault.text for fault in reversed(problems) if fault.block == key}
    shared = {"url_key": key, "item": found, "field_faults": faults, "saved": False}
    if "step" in found:
        return {**shared, "is_step": True}
    kind, name = str(found["type"]), str(found["name"])
    known = properties.definitions("contact").get(name)
    rules = found.get("rules") or {}
    before = [b for b in some[: form_draft.place(some, key)] if "step" not in b and b["type"] not in documents.DISPLAY]
    when = found.get("when") or {}
    match = next(iter(when), "all")
    source = str(found.get("from", ""))
    return {
        **shared,
        "kind": kind, "kind_label": form_words.label_of(kind), "kind_icon": _icon(kind),
        "property": known and properties.label(known), "own": known is None, "display": kind in documents.DISPLAY,
        "alike": [form_words.KINDS[k] for k in form_draft.alike(found) if k in form_words.KINDS],
        "options": found.get("options") or [], "offered": documents.options(found) if known is not None else [], "is_choice": kind in documents.CHOICES,
        "rules": rules, "blocked": "\n".join(rules.get("blocked_domains") or []),
        "may_rule": {word for word, kinds in documents.RULES.items() if kind in kinds},
        "accept": [(word, label, word in (rules.get("accept") or [])) for word, label in form_words.ACCEPT.items()],
        "before": before, "match": match, "tests": [_test(test, before) for test in when.get(match) or []], "operators": form_words.OPERATORS.items(),
        "may_wait": kind not in (*documents.DISPLAY, "hidden", "file") and name != "email", "ask": found.get("ask", "always"),
        "asks": [(word, *words) for word, words in form_words.ASK.items()],
        "source": "query" if source.startswith("query:") else "fixed", "parameter": source.removeprefix("query:"), "utm": form_words.UTM,
    }  # fmt: skip


def _test(test: dict[str, Any], before: list[form_draft.Block]) -> dict[str, Any]:
    value = test.get("value", "")
    asked = next((b for b in before if b["name"] == test.get("field")), None)
    offered = documents.options(asked) if asked is not None and asked["type"] in documents.CHOICES else []
    if asked is not None and asked["type"] == "boolean":
        offered = [{"value": "true", "label": _("ticked")}, {"value": "false", "label": _("not ticked")}]
    plain = test.get("operator") in ("is", "is_not")
    return {
        **test,
        "value": ", ".join(value) if isinstance(value, list) else value,
        "offered": offered if plain else [],
        "bare": test.get("operator") in ("known", "unknown"),
    }


# The other parts -----------------------------------------------------------------------


@allow("forms")
def part(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Consent, what happens after sending, who is told, the defence against spam, button and language."""
    if part not in {kind.key for kind in form_words.PARTS}:
        raise NotFound(_("There is no such part of a form."))
    if request.method != "POST":
        form = one(pk, archived=True)
        return render(request, "forms_builder/part.html", {**head(request, form, "build"), **_part(form, part)})
    permissions.require(request.user, "forms", "edit")
    given = request.POST

    def how(draft: Definition) -> Definition:
        new = form_draft.part_of(draft, part, given)
        return _consent_act(new, given.get("do", "")) if part == "consent" else new

    try:
        form = _changed(request, pk, how)
    except Invalid as error:
        form = one(pk)
        tried = Form(pk=form.pk, name=form.name, draft=how(form.draft))
        found = {fault.last: fault.text for fault in reversed(form_words.faults(tried.draft, error.problems))}
        return render(request, "forms_builder/part.html", {**head(request, form, "build"), **_part(tried, part, found), "form": form}, status=422)
    if part == "spam" and "captcha_secret" in given and (given["captcha_secret"].strip() or "forget" in given):
        verbs.set_captcha_secret(form, given["captcha_secret"], actor=actor(request))
    return _answer(request, form, "", "forms_builder/part_saved.html", _part(form, part))


def _consent_act(draft: Definition, what: str) -> Definition:
    """A box added or taken away, or the notice written from the fields."""
    consent, language = draft["consent"], str(draft.get("language", "ko"))
    act, _colon, key = what.partition(":")
    boxes = consent["boxes"]
    if act == "fill":
        begun = form_presets.consent(language, form_presets.FORMS["contact"][4][language == "en"], "")["notice"]
        for word, text in begun.items():
            consent["notice"][word] = consent["notice"].get(word) or text
        consent["notice"]["items"] = form_presets.items(draft["fields"])
    elif act == "drop":
        consent["boxes"] = [box for box in boxes if box["key"] != key]
    elif act == "add" and key == "processing":
        boxes.insert(0, {**form_presets.consent(language, "", "")["boxes"][0], "key": form_draft.free("processing", [b["key"] for b in boxes])})
    elif act == "add" and key in consent.CHANNELS:
        boxes.append({**form_presets.box(key, language), "key": form_draft.free(key, [b["key"] for b in boxes]) if key in [b["key"] for b in boxes] else key})
    return draft


def _part(form: Form, part: str, faults: dict[str, str] | None = None) -> dict[str, Any]:
    if faults is None:
        faults = {fault.last: fault.text for fault in reversed(form_words.faults(form.draft, documents.publish_problems(form.draft))) if fault.part == part}
    full = documents.whole(form.draft)
    context: dict[str, Any] = {"part": part, "kind": next(k for k in form_words.PARTS if k.key == part), "part_faults": faults, "full": full, "saved": False}
    if part == "consent":
        boxes = full["consent"]["boxes"]
        context["notice"] = [
            (word, label, hint, full["consent"]["notice"][word], faults.get(f"notice.{word}", "")) for word, (label, hint) in form_words.NOTICE.items()
        ]
        context["boxes"] = [
            {**box, "channel_label": consent.channel_name(box["channel"]),
             "fault": next((text for path, text in faults.items() if path.startswith(f"boxes.{number}.")), "")}
            for number, box in enumerate(boxes)
        ]  # fmt: skip
        context["to_add"] = [(key, label) for key, label in consent.CHANNELS.items() if key not in [box["channel"] for box in boxes]]
        context["kinds"] = [(type.pk, subscriptions.name(type)) for type in subscriptions.known()]
        context["has_processing"] = any(box["kind"] == "processing" for box in boxes)
    elif part == "after":
        context["files"] = verbs.form_files(form)
    elif part == "notify":
        context["people"] = [(user, user.pk in full["notify"]["users"]) for user in colleagues()]
    elif part == "spam":
        context["has_secret"] = bool(Form.objects.filter(pk=form.pk).exclude(captcha_secret="").exists())
    return context


@require_POST
@allow("forms", "edit")
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a file that the form hands out, and hand it out."""
    sent = request.FILES.get("upload")
    if sent is None:
        raise Invalid.one("file", "REQUIRED", _("Choose a file."))
    if (sent.size or 0) > verbs.LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file may have at most {n} MB.").format(n=verbs.LARGEST // 1024 // 1024))
    made = verbs.add_file(one(pk), sent.name or "file", sent.read(), actor=actor(request))
    form = _changed(request, pk, lambda draft: {**draft, "after": {**(draft.get("after") or {}), "kind": "file", "file": made}})
    return _answer(request, form, "", "forms_builder/part_saved.html", _part(form, "after"))


# The public page, and publishing ----------------------------------------------------------


@require_GET
@allow("forms")
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The public page of the draft, for editors only: it sends nothing."""
    form = one(pk, archived=True)
    language = request.GET.get("language", "")
    seen = Shown(0, documents.whole({**form.draft, "language": language} if language in documents.LANGUAGES else form.draft))
    with translation.override(seen.definition["language"]):
        words = {**form_page.drawn(seen), "form": form, "page_language": translation.get_language()}
        response = render(request, "forms_builder/preview.html", words)
    response["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response["Cache-Control"] = "no-store"
    return response


@allow("forms", "edit")
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """The check list before publishing (GET); publishing it, or trying it against what is published (POST)."""
    form = one(pk)
    if request.method != "POST":
        return render(request, "forms_builder/publish.html", _check(request, form))
    note = request.POST.get("note", "").strip()
    try:
        if request.POST.get("how") == "split":
            share = request.POST.get("share", "50")
            test = verbs.split(form, int(share) if share.isascii() and share.isdecimal() else 0, actor=actor(request), note=note)
            response = go(f"/forms/{pk}/report/#test")
            return toast(response, _("Versions {a} and {b} are being compared.").format(a=test.a, b=test.b))
        made = verbs.publish(form, actor=actor(request), note=note)
    except Invalid as error:
        return render(request, "forms_builder/publish.html", {**_check(request, form), "faults": form_words.faults(form.draft, error.problems)}, status=422)
    request.session["form_published"] = [pk, made.number]
    return go(f"/forms/{pk}/share/")


def _check(request: HttpRequest, form: Form) -> dict[str, Any]:
    found = form_words.faults(form.draft, documents.publish_problems(form.draft))
    return {
        **head(request, form, "build"), "faults": found, "advice": form_words.advice(form.draft),
        "count": ngettext("{n} thing is missing", "{n} things are missing", len(found)).format(n=len(found)),
    }  # fmt: skip
