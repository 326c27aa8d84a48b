"""Records that look like one: the inbox, the merge field by field, the way back; and merging two that nobody suggested."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import rights
from baton.crm import consent, duplicates, merge, properties, records, types
from baton.crm.duplicates import inbox
from baton.crm.models import Contact, Record
from baton.platform.errors import NotFound
from baton.segments import finder

from ..answer import done, go, toast
from ..page import Page, actor, allow, user
from ..parts import values
from ..parts.address import record_url
from ..parts.people import colleagues

PAGE = 50
KINDS = ("contact", "company")
REASONS: dict[str, str | Promise] = {
    "mail": gettext_lazy("e-mail address but for a slip"),
    "mobile": gettext_lazy("mobile number"),
    "phone": gettext_lazy("phone number"),
    "name_company": gettext_lazy("name and company"),
    "name_domain": gettext_lazy("name and e-mail domain"),
    "near": gettext_lazy("e-mail address but for one letter"),
    "company_name": gettext_lazy("company name"),
    "domain": gettext_lazy("website"),
    "number": gettext_lazy("business registration number"),
}
WHY: dict[str, str | Promise] = {
    "same": gettext_lazy("the same"),
    "only": gettext_lazy("only one has it"),
    "stage": gettext_lazy("further along"),
    "kept": gettext_lazy("of the one that stays"),
    "chosen": gettext_lazy("chosen"),
}
SHOWN = {"contact": ("company", "jobtitle", "email", "mobilephone", "phone"), "company": ("domain", "website", "business_number", "phone", "industry", "city")}


class Duplicates(Page):
    key = "duplicates"
    label = gettext_lazy("Duplicates")
    icon = "copy-check"
    group = "customers"
    order = 90
    area = "contacts"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("duplicates/", show),
            path("duplicates/<int:a>/<int:b>/", pair),
            path("duplicates/<int:a>/<int:b>/dismiss/", dismiss),
            path("duplicates/<int:a>/<int:b>/restore/", restore),
            path("merge/<str:object_type>/<int:id>/", choose),
            path("merges/<int:merge_id>/", result),
            path("merges/<int:merge_id>/undo/", undo),
        ]


@require_GET
@allow("contacts")
def show(request: HttpRequest) -> HttpResponse:
    """The suggestions of one type, best first; `?after=` continues."""
    kind = request.GET.get("type", "contact")
    kind = kind if kind in KINDS else "contact"
    held = rights.of(user(request))
    held.require(kind, "view")
    after = _after(request.GET.get("after", ""))
    found = duplicates.page(kind, rights=held, after=after, limit=PAGE + 1)
    rows = records.many(kind, {id for s in found for id in (s.a, s.b)})
    pairs = [
        {"a": _card(kind, rows[s.a]), "b": _card(kind, rows[s.b]), "score": s.score, "reasons": [REASONS[r] for r in s.reasons if r in REASONS]}
        for s in found[:PAGE]
        if s.a in rows and s.b in rows
    ]
    last = found[PAGE - 1] if len(found) > PAGE else None
    kind_tabs = [{"key": key, "label": types.label(types.get(key), plural=True), "count": duplicates.count(key)} for key in KINDS if held.may(key, "view")]
    context = {
        "pairs": pairs, "kind_tabs": kind_tabs, "kind": kind, "may_merge": held.may(kind, "merge"), "more": f"{last.score}-{last.a}-{last.b}" if last else "",
        "after": after,
    }  # fmt: skip
    return render(request, "duplicates/page.html", context)


def _after(text: str) -> tuple[int, int, int] | None:
    parts = text.split("-")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        return int(parts[0]), int(parts[1]), int(parts[2])
    return None


def _card(kind: str, row: Contact | Record) -> dict[str, Any]:
    known = properties.definitions(kind)
    about = [values.text(known[name], row.properties.get(name), ()) for name in SHOWN.get(kind, ()) if name in known and row.properties.get(name)]
    return {
        "id": row.id,
        "name": types.title(kind, row.properties) or f"#{row.id}",
        "url": record_url(kind, row.id),
        "about": about[:3],
        "created": row.created_at,
    }


# Two records ------------------------------------------------------------------


@allow("contacts")
def pair(request: HttpRequest, a: int, b: int) -> HttpResponseBase:
    """GET: what a merge would do, field by field; `?keep=` says who stays. POST merges them: `keep`, and `p_<property>` = keep or gone."""
    kind = types.get(request.GET.get("type") or _kind(a)).key
    held = rights.of(user(request))
    keep_id, gone_id = (b, a) if (request.POST.get("keep") or request.GET.get("keep")) == str(b) else (a, b)
    if request.method == "POST":
        choices = {name[2:]: value for name, value in request.POST.items() if name.startswith("p_")}
        made = merge.merge(kind, keep_id, gone_id, choices, actor=actor(request))  # type: ignore[arg-type]  # merge refuses other words
        return go(f"/merges/{made}/") if request.headers.get("HX-Request") else redirect(f"/merges/{made}/")
    looked = merge.preview(kind, keep_id, gone_id)
    held.require(kind, "merge", [looked.keep.owner_id, looked.gone.owner_id])
    found = inbox.get(a, b)
    users, known = colleagues(), properties.definitions(kind)
    fields = [
        {
            "name": f.name, "label": f.label, "wins": f.wins, "why": WHY[f.why], "same": f.why == "same",
            "keep": values.text(known[f.name], f.keep, users, object_type=kind), "gone": values.text(known[f.name], f.gone, users, object_type=kind),
        }
        for f in looked.fields
    ]  # fmt: skip
    context = {
        "a": a, "b": b, "kind": kind, "labels": types.label(types.get(kind), plural=True), "keep": _card(kind, looked.keep), "gone": _card(kind, looked.gone),
        "differ": [f for f in fields if not f["same"]], "same": [f for f in fields if f["same"]], "emails": looked.emails,
        "refused": [consent.channel_name(key) for key in looked.refused], "reasons": [REASONS[r] for r in found.reasons if r in REASONS] if found else [],
        "score": found.score if found else 0, "suggested": found is not None,
    }  # fmt: skip
    return render(request, "duplicates/pair.html", context)


def _kind(id: int) -> str:
    """The type of a record whose address does not say it."""
    if records.many("contact", [id], archived=None):
        return "contact"
    found = Record.objects.filter(id=id).values_list("object_type", flat=True).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def _mergeable(request: HttpRequest, a: int, b: int) -> str:
    """The type of two records that this user may merge. Raises NotFound, Forbidden."""
    kind = _kind(a)
    owners = [row.owner_id for row in records.many(kind, [a, b], archived=None).values()]
    rights.of(user(request)).require(kind, "merge", owners)
    return kind


@require_POST
@allow("contacts", "edit")
def dismiss(request: HttpRequest, a: int, b: int) -> HttpResponse:
    """The two are not the same, for good; answers an empty row with the way back."""
    kind = _mergeable(request, a, b)
    duplicates.dismiss(a, b, actor=actor(request))
    if "then" in request.GET:
        return go(f"/duplicates/?type={kind}")
    return toast(HttpResponse(""), _("Marked as not the same"), {"url": f"/duplicates/{a}/{b}/restore/", "target": "body", "values": {}})


@require_POST
@allow("contacts", "edit")
def restore(request: HttpRequest, a: int, b: int) -> HttpResponse:
    """Take that back."""
    kind = _mergeable(request, a, b)
    duplicates.take_back(a, b, actor=actor(request))
    return go(f"/duplicates/?type={kind}")


# Any two, and the way back ------------------------------------------------------


@require_GET
@allow("contacts")
def choose(request: HttpRequest, object_type: str, id: int) -> HttpResponse:
    """Search for the record that is the same as this one; and what was merged into it before, with the way back."""
    kind = types.resolve(object_type)
    if kind is None:
        raise NotFound(_("There is no such kind of record."))
    held = rights.of(user(request))
    row = records.get(kind.key, id)
    held.require(kind.key, "merge", [row.owner_id])
    text = request.GET.get("q", "").strip()
    alike = [s for s in duplicates.of_record(row.id) if s.object_type == kind.key]
    hits = [hit.id for hit in finder.quick(text, rights=held, types=[kind.key], limit=10)] if text else [s.b if s.a == row.id else s.a for s in alike]
    others = {id: other for id, other in records.many(kind.key, hits).items() if held.may(kind.key, "view", [other.owner_id])}
    context = {
        "kind": kind.key, "labels": types.label(kind, plural=True), "row": _card(kind.key, row), "q": text, "merges": merge.of_record(row.id),
        "others": [_card(kind.key, others[hit]) for hit in hits if hit in others and hit != row.id],
    }  # fmt: skip
    return render(request, "duplicates/others.html" if request.headers.get("HX-Target", "").endswith("others") else "duplicates/choose.html", context)


@require_GET
@allow("contacts")
def result(request: HttpRequest, merge_id: int) -> HttpResponse:
    """What came of a merge, and the way back."""
    made = merge.get(merge_id)
    row = records.get(made.object_type, made.record_id, archived=None)
    rights.of(user(request)).require(made.object_type, "view", [row.owner_id])
    next_pair = next(iter(duplicates.page(made.object_type, rights=rights.of(user(request)), limit=1)), None)
    context = {"merge": made, "row": _card(made.object_type, row), "labels": types.label(types.get(made.object_type), plural=True), "next": next_pair}
    return render(request, "duplicates/result.html", context)


@require_POST
@allow("contacts", "edit")
def undo(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Make two of one again."""
    back = merge.undo(merge_id, actor=actor(request))
    if back.missing:
        text = ngettext("Undone. {names} is another record's by now.", "Undone. {names} are other records' by now.", len(back.missing))
        return done(text.format(names=", ".join(back.missing)))
    return go(f"/duplicates/{back.keep_id}/{back.gone_id}/?undone=1")
