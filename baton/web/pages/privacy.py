"""A person's rights over his data: a copy of all of it, anonymous from now on, or forgotten."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import rights
from baton.crm import contacts, erase, portrait, records
from baton.crm.models import Contact
from baton.platform.errors import Invalid

from ..answer import go
from ..page import Page, actor, allow, allow_records, user


class Privacy(Page):
    key = "privacy"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("privacy/<int:id>/", show),
            path("privacy/<int:id>/copy/", copy),
            path("privacy/<int:id>/anonymise/", anonymise),
            path("privacy/<int:id>/erase/", forget),
        ]


def _contact(request: HttpRequest, id: int, action: rights.Action) -> Contact:
    row = records.get("contact", id, archived=None)
    assert isinstance(row, Contact)
    rights.of(user(request)).require("contact", action, [row.owner_id])
    return row


@require_GET
@allow_records("contact", "view")
def show(request: HttpRequest, id: int) -> HttpResponse:
    """What can be done with the data of one person."""
    row = _contact(request, id, "view")
    held = rights.of(user(request))
    context = {
        "contact": row, "name": contacts.display_name(row.properties) or f"#{row.id}", "may_copy": held.may("contact", "export", [row.owner_id]),
        "may_erase": held.may("contact", "delete", [row.owner_id]) and held.level("settings") == "edit",
    }  # fmt: skip
    return render(request, "privacy/page.html", context)


@require_GET
@allow_records("contact", "export")
def copy(request: HttpRequest, id: int) -> HttpResponse:
    """Everything about him as one zip file."""
    row = _contact(request, id, "export")
    response = HttpResponse(portrait.zipped(row.id, actor=actor(request)), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="person-{row.id}.zip"'
    return response


@require_POST
@allow("settings", "edit")
@allow_records("contact", "delete")
def anonymise(request: HttpRequest, id: int) -> HttpResponse:
    """Keep what is counted, nothing that tells who it was. `name` must be typed."""
    row = _confirmed(request, id)
    erase.anonymise(row.id, actor=actor(request))
    return go(f"/contacts/{row.id}/")


@require_POST
@allow("settings", "edit")
@allow_records("contact", "delete")
def forget(request: HttpRequest, id: int) -> HttpResponse:
    """Leave no trace. `name` must be typed."""
    row = _confirmed(request, id)
    erase.erase(row.id, actor=actor(request))
    return go("/contacts/")


def _confirmed(request: HttpRequest, id: int) -> Contact:
    row = _contact(request, id, "delete")
    name = contacts.display_name(row.properties) or f"#{row.id}"
    if request.POST.get("name", "").strip() != name:
        raise Invalid.one("name", "CONFIRM", _("Type {name} to confirm.").format(name=name))
    return row
