"""How a form gets to people: embed code, page of its own, frame, QR code, and answers of Google Forms; and the versions that were published."""

import io
from typing import Any
from urllib.parse import urlencode

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts.models import User
from baton.forms import definition as documents
from baton.forms import intake, verbs
from baton.platform.actor import Actor
from baton.platform.config import config

from ..answer import done, go
from ..page import Page, actor, allow
from ..parts import form_changes
from .forms import one
from .forms_builder import head

ROWS = 12  # questions of a Google form that are named otherwise than the fields


class FormsShare(Page):
    key = "forms-share"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("forms/<int:pk>/share/", show),
            path("forms/<int:pk>/qr.svg", qr),
            path("forms/<int:pk>/google/", google),
            path("forms/<int:pk>/former/", former),
            path("forms/<int:pk>/versions/", versions),
            path("forms/<int:pk>/versions/<int:number>/back/", back),
        ]


@require_GET
@allow("forms")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Codes and links to copy."""
    form = one(pk, archived=True)
    published = request.session.pop("form_published", None)
    context = {**head(request, form, "share"), **_codes(form), "just": published[1] if published and published[0] == pk else None}
    if context["may_edit"]:
        titles = list((form.intake.get("titles") or {}).items())
        context |= {
            "snippet": intake.snippet(form),
            "titles": [*titles, *[("", "")] * max(1, min(3, ROWS - len(titles)))],
            "asked": [(field["name"], field.get("label") or field["name"]) for field in documents.asked(form.draft) if field["type"] != "file"],
        }
    return render(request, "forms_share/page.html", context)


def _codes(form: Any) -> dict[str, str]:
    here, label = config().url, form.name.replace('"', "&quot;")
    page = f"{here}/f/{form.guid}/"
    return {
        "embed": f'<script src="{here}/f/{form.guid}.js" defer></script>',
        "page": page,
        "frame": f'<iframe src="{page}" title="{label}" width="100%" height="720" style="border:0"></iframe>',
        "qr_url": f"/forms/{form.pk}/qr.svg",
        "qr_page": f"{page}?{urlencode({'utm_source': 'qr', 'utm_medium': 'offline'})}",
    }


@require_GET
@allow("forms")
def qr(request: HttpRequest, pk: int) -> HttpResponse:
    """The form's own page as a QR code: dark on white, also on a dark screen, or no telephone reads it."""
    file = io.BytesIO()
    segno.make(_codes(one(pk, archived=True))["qr_page"], error="m").save(file, kind="svg", scale=8, border=4, light="#fff")
    response = HttpResponse(file.getvalue(), content_type="image/svg+xml")
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="form-{pk}.svg"'
    return response


@require_POST
@allow("forms", "edit")
def google(request: HttpRequest, pk: int) -> HttpResponse:
    """Which question of a Google form answers which field; or a new key for the script."""
    form = one(pk)
    if request.POST.get("do") == "renew":
        intake.renew(form, actor=actor(request))
        return go(f"/forms/{pk}/share/#google")
    pairs = zip(request.POST.getlist("title"), request.POST.getlist("field"), strict=False)
    intake.save_titles(form, {title.strip(): field for title, field in pairs if title.strip() and field}, actor=actor(request))
    return done(_("{name}: saved").format(name=form.name))


@require_POST
@allow("forms", "edit")
def former(request: HttpRequest, pk: int) -> HttpResponse:
    """The ids it had elsewhere, one a line."""
    form = one(pk)
    verbs.answer_to(form, request.POST.get("former", "").split(), actor=actor(request))
    return done(_("{name}: saved").format(name=form.name))


@require_GET
@allow("forms")
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """All that was published, newest first, and what each changed."""
    form = one(pk, archived=True)
    found = verbs.versions(form)
    people = {str(Actor("user", pk)): name for pk, name in User.objects.values_list("pk", "name")}
    before = [*found[1:], None][: len(found)]
    lines = [
        {"version": now, "who": people.get(now.by, "Baton"), "said": form_changes.said(old.definition, now.definition) if old else None}
        for now, old in zip(found, before, strict=True)
    ]
    public = verbs.current(form)
    context = {
        **head(request, form, "versions"),
        "lines": lines,
        "draft_said": form_changes.said(public.definition if public else {}, form.draft) if verbs.is_changed(form) and public else None,
    }
    return render(request, "forms_share/versions.html", context)


@require_POST
@allow("forms", "edit")
def back(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """An earlier version as the draft; publishing makes a new version of it."""
    verbs.back_to(one(pk), number, actor=actor(request))
    return go(f"/forms/{pk}/")
