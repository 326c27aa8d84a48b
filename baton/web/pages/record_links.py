"""What a record is linked to: find and add, label, make primary, remove with a way back, make a new record and link it."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.crm import associations, records, types
from baton.crm.associations import PRIMARY, Link
from baton.crm.models import ObjectType
from baton.platform import sql
from baton.platform.errors import Invalid, NotFound
from baton.segments import finder

from ..answer import toast
from ..page import Page, actor
from ..parts import links, new_record
from ..parts.address import record_url
from ..parts.people import colleagues
from ..parts.subject import BASE, Subject, of_record

ONE = BASE + r"links/(?P<other>[a-z0-9_]+)/"
LIMIT = 8  # records offered


class RecordLinks(Page):
    key = "record-links"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(ONE + r"$", picker),
            re_path(ONE + r"new/$", create),
            re_path(ONE + r"(?P<to>\d{1,18})/$", one),
            re_path(ONE + r"(?P<to>\d{1,18})/(?P<verb>add|remove|primary|label|unlabel)/$", act),
        ]


def _other(subject: Subject, key: str) -> ObjectType:
    kind = types.get(key)
    if kind.activity:
        raise NotFound(_("There is no such kind of record."))
    subject.rights.require(kind.key, "view")
    return kind


@of_record("edit")
def picker(request: HttpRequest, subject: Subject, other: str) -> HttpResponse:
    """What can be linked: what quick search finds, the newest records without a search."""
    kind = _other(subject, other)
    q = request.GET.get("q", "").strip()[:100].replace("\0", "")
    hits = finder.quick(q, rights=subject.rights, types=[kind.key], limit=LIMIT + 1) if q else _newest(subject, kind)
    linked = {row[0] for row in sql.rows("SELECT to_id FROM association WHERE from_id = %s AND to_id = ANY(%s)", [subject.id, [h.id for h in hits]])}
    offered = [h for h in hits if h.id not in linked and h.id != subject.id][:LIMIT]
    context = {
        "subject": subject, "kind": kind, "label": types.label(kind), "hits": offered, "q": q, "may_create": subject.rights.may(kind.key, "create"),
        "only_list": request.headers.get("HX-Target", "").endswith("#picker-list"),
    }  # fmt: skip
    return render(request, "records/picker.html", context)


def _newest(subject: Subject, kind: ObjectType) -> list[finder.Hit]:
    ids = finder.ids(finder.Find(kind.key, sort="id", descending=True, rights=subject.rights), limit=LIMIT + 1)
    rows = records.many(kind.key, ids)
    return [finder.Hit(kind.key, id, types.title(kind.key, rows[id].properties) or f"#{id}", "") for id in ids if id in rows]


@of_record("edit")
def one(request: HttpRequest, subject: Subject, other: str, to: str) -> HttpResponse:
    """What can be done with one link."""
    kind = _other(subject, other)
    found = dict(associations.linked([subject.id], kind.key).get(subject.id, []))
    if int(to) not in found:
        raise NotFound(_("There is no such link."))
    names = found[int(to)]
    context = {
        "subject": subject, "kind": kind, "to": int(to), "names": names, "url": record_url(kind.key, int(to)),
        "labels": [(name, text, name in names) for name, text in links.labels(subject.key, kind.key)],
        "primary": PRIMARY in names, "may_be_primary": links.may_be_primary(subject.key, kind.key),
    }  # fmt: skip
    return render(request, "records/link_menu.html", context)


@require_POST
@of_record("edit")
def act(request: HttpRequest, subject: Subject, other: str, to: str, verb: str) -> HttpResponse:
    """Add or remove a link, or a label of it; answers the panel."""
    kind = _other(subject, other)
    row = records.get(kind.key, int(to), archived=None)
    subject.rights.require(kind.key, "view", [row.owner_id])
    by, name = actor(request), types.title(kind.key, row.properties) or f"#{to}"
    label = request.POST.get("label", "")
    if label and label != PRIMARY and label not in dict(links.labels(subject.key, kind.key)):
        raise Invalid.one("label", "INVALID_OPTION", _("There is no such label."))
    base = f"{subject.url}links/{kind.key}/{row.id}/"
    undo: dict[str, Any] | None = None
    match verb:
        case "add":
            kept = [text for text in request.POST.get("labels", "").split(",") if text]
            wanted = [Link(subject.key, subject.id, kind.key, row.id, text) for text in ["", *kept]]
            for fault in associations.link_many(wanted, actor=by):
                if fault is not None:
                    raise fault
            text = _("{name} linked").format(name=name)
            undo = {"url": f"{base}remove/", "target": f"#links-{kind.key}", "swap": "outerHTML", "values": {}}
        case "remove":
            names = dict(associations.linked([subject.id], kind.key).get(subject.id, [])).get(row.id, [])
            associations.unlink(subject.key, subject.id, kind.key, row.id, actor=by)
            text = _("Link to {name} removed").format(name=name)
            undo = {"url": f"{base}add/", "target": f"#links-{kind.key}", "swap": "outerHTML", "values": {"labels": ",".join(names)}}
        case "primary":
            associations.link(subject.key, subject.id, kind.key, row.id, label=PRIMARY, actor=by)
            text = _("{name} is the primary one").format(name=name)
        case "label":
            associations.link(subject.key, subject.id, kind.key, row.id, label=label, actor=by)
            text = _("Link changed")
        case _:
            associations.unlink(subject.key, subject.id, kind.key, row.id, label=label or None, actor=by) if label else None
            text = _("Link changed")
    return toast(_panel(request, subject, kind.key), text, undo)


@of_record("edit")
def create(request: HttpRequest, subject: Subject, other: str) -> HttpResponse:
    """The form of a new record that is linked at once; 422 with the faults under their fields."""
    kind = _other(subject, other)
    subject.rights.require(kind.key, "create")
    users = colleagues()
    url = f"{subject.url}links/{kind.key}/new/"
    if request.method == "POST":
        form = new_record.Form(kind, users, request.POST)
        with transaction.atomic():
            made = form.save(actor(request))
            if made is not None:
                associations.link(subject.key, subject.id, kind.key, made, actor=actor(request))
                _carry_company(subject, kind.key, made, request)
        if made is None:
            return render(request, "records/create.html", {"form": form, "url": url, "subject": subject, "kind": kind}, status=422)
        response = _panel(request, subject, kind.key)
        response["HX-Retarget"], response["HX-Reswap"] = f"#links-{kind.key}", "outerHTML"
        return toast(response, _("{name} added and linked").format(name=types.title(kind.key, records.get(kind.key, made).properties) or types.label(kind)))
    given = {"owner_id": str(subject.me.pk), **_suggested(subject, kind.key)}
    return render(request, "records/create.html", {"form": new_record.Form(kind, users, given), "url": url, "subject": subject, "kind": kind})


def _suggested(subject: Subject, other: str) -> dict[str, str]:
    """What the new record takes over from the one it is made from."""
    if other in ("deal", "quote"):
        company = str(subject.values.get("company") or "") if subject.is_person else subject.name
        return {{"deal": "dealname", "quote": "title"}[other]: company}
    if other == "contact" and subject.key == "company":
        return {"company": subject.name}
    return {}


def _carry_company(subject: Subject, other: str, made: int, request: HttpRequest) -> None:
    """A deal, ticket or quote of a person or deal belongs to the same main company."""
    if other in ("deal", "ticket", "quote") and subject.key in ("contact", "deal") and (company := associations.of(subject.id, "company")):
        associations.link(other, made, "company", company[0], actor=actor(request))


def _panel(request: HttpRequest, subject: Subject, other: str) -> HttpResponse:
    (panel,) = links.panels(subject, other)
    return render(request, "records/panel.html", {"subject": subject, "panel": panel})
