"""Lists: all of them with their sizes; one with its members, why they are in it, and what changed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import circles, filter, list_presets, sizes, verbs
from baton.segments.models import Segment

from ..answer import faults, go, targets, toast
from ..page import Page, actor, allow, user
from ..parts import list_members, people
from ..parts.people import search

PAGE = 100
DAYS = 90


class Lists(Page):
    key = "lists"
    label = gettext_lazy("Lists")
    icon = "list-filter"
    group = "customers"
    order = 60
    area = "segments"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("lists/", index),
            path("lists/<int:pk>/", show),
            path("lists/<int:pk>/members/", members),
            path("lists/<int:pk>/people/", find_people),
            path("lists/<int:pk>/hand/", hand),
            path("lists/<int:pk>/do/", act),
        ]


def one(pk: int, *, archived: bool = False) -> Segment:
    """A list; one put aside only when asked for. Raises NotFound."""
    found = Segment.objects.filter(pk=pk).first()
    if found is None or (found.archived_at is not None and not archived):
        raise NotFound(_("There is no list {id}.").format(id=pk))
    return found


@require_GET
@allow("segments")
def index(request: HttpRequest) -> HttpResponse:
    """All lists by name; `?q=` searches, `?archived=1` shows those put aside."""
    text, aside = request.GET.get("q", "").strip(), bool(request.GET.get("archived"))
    found = Segment.objects.filter(archived_at__isnull=not aside).order_by("name", "pk")
    if text:
        found = found.filter(name__icontains=text)
    total = found.count()
    asked = request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else 1
    shown = list(found[(number - 1) * PAGE : number * PAGE])
    ids = [s.pk for s in shown]
    days, users = sizes.history(ids), circles.users_of_many(ids)
    if uncounted := [id for id in ids if not days[id]]:  # older than this history
        sizes.count_all(uncounted)
        days |= sizes.history(uncounted)
    makers = {str(Actor("user", pk)): name for pk, name in User.objects.values_list("pk", "name")}
    rows = [
        {
            "list": s,
            "days": days[s.pk],
            "size": _size(days[s.pk]),
            "trend": [d.members for d in days[s.pk]],
            "users": users[s.pk],
            "maker": makers.get(s.created_by, ""),
        }
        for s in shown
    ]
    context = {"rows": rows, "q": text, "total": total, "number": number, "more": total > number * PAGE, "aside": aside, **_rights(request)}
    return render(request, "lists/rows.html" if targets(request, "list-rows") else "lists/page.html", context)


def _size(days: list[sizes.Day]) -> int | None:
    return days[-1].members if days else None


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {"may_edit": permissions.can(request.user, "segments", "edit"), "may_enroll": permissions.can(request.user, "workflows", "edit")}


@require_GET
@allow("segments")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One list."""
    return render(request, "lists/show.html", _context(request, one(pk, archived=True)))


def _context(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    size, exact = sizes.now(segment.pk)
    held = rights.of(user(request))
    days = sizes.history([segment.pk], days=DAYS)[segment.pk]
    return {
        "list": segment,
        "size": size,
        "exact": exact,
        "working": segment.kind == "active" and bool(segment.filter) and segment.evaluated_at is None and segment.archived_at is None,
        "sentence": filter.sentence(segment.filter) if segment.filter else "",
        "members": list_members.page(segment, held, size=size),
        "kept_out": list_members.kept_out(segment, held) if segment.kind == "active" else [],
        "days": days,
        "most": max((day.members for day in days), default=0),
        "trend": [day.members for day in days],
        "moves": [day for day in reversed(days) if day.joined or day.departed][:14],
        "users": circles.users_of(segment.pk),
        "history": list_members.history(segment),
        "hint": _hint(segment),
        "may_export": held.may("contact", "export"),
        **_rights(request),
    }


def _hint(segment: Segment) -> str:
    preset = list_presets.PRESETS.get(segment.preset)
    return _(preset.hint) if preset and preset.hint else ""


@require_GET
@allow("segments")
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """More members (`?after=`), or those that words find (`?q=`)."""
    segment, after = one(pk, archived=True), request.GET.get("after", "")
    found = list_members.page(segment, rights.of(user(request)), size=sizes.now(pk)[0], text=request.GET.get("q", ""), after=after)
    return render(
        request, "lists/members.html", {"list": segment, "members": found, "more_only": bool(after), "q": request.GET.get("q", ""), **_rights(request)}
    )


@require_GET
@allow("segments", "edit")
def find_people(request: HttpRequest, pk: int) -> HttpResponse:
    """Contacts to add, found by words."""
    segment = one(pk)
    found = search(request.GET.get("q", ""), rights=rights.of(user(request)), limit=8)
    return render(request, "lists/people.html", {"list": segment, "people": found})


@require_POST
@allow("segments", "edit")
def hand(request: HttpRequest, pk: int) -> HttpResponse:
    """Put people in (`do` = add), keep them out (remove), or let the filter decide again (back); with `why`. Only those one may see."""
    segment = one(pk)
    asked = [int(id) for id in request.POST.getlist("id") if id.isascii() and id.isdigit() and len(id) < 19]
    from baton.segments.finder import Find, matching

    ids = matching(Find("contact", rights=rights.of(user(request))), asked)
    if not ids:
        raise Invalid.one("id", "REQUIRED", _("Choose at least one record."))
    why, undo = request.POST.get("why", ""), {"url": f"/lists/{pk}/hand/", "target": "#list-part", "swap": "innerMorph"}
    names = people.named(ids)
    name = next(iter(names.values())).name if names else ""
    match request.POST.get("do", ""):
        case "add":
            verbs.add(pk, ids, actor(request), why=why)
            said, back = _("{name} was put in by hand").format(name=name), {"do": "back" if segment.kind == "active" else "remove", "id": ids[0]}
        case "remove":
            verbs.remove(pk, ids, actor(request), why=why)
            said, back = _("{name} is kept out").format(name=name) if segment.kind == "active" else _("{name} was taken out").format(name=name), {
                "do": "back" if segment.kind == "active" else "add", "id": ids[0],
            }  # fmt: skip
        case "back":
            verbs.take_back(pk, ids, actor=actor(request))
            said, back = _("The filter decides about {name} again").format(name=name), {}
        case _:
            raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    response = render(request, "lists/part.html", _context(request, one(pk)))
    return toast(response, said, {**undo, "values": back} if back and len(ids) == 1 else None)


@require_POST
@allow("segments", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Make it fixed or active, copy it, put it aside or take it back. A refusal is told on the page, with who uses the list."""
    segment = one(pk, archived=True)
    try:
        match request.POST.get("do", ""):
            case "fix":
                verbs.make_fixed(segment, actor=actor(request))
            case "follow":
                verbs.make_active(segment, actor=actor(request))
            case "copy":
                return go(f"/lists/{verbs.duplicate(segment, _('{name} (copy)').format(name=segment.name), actor=actor(request)).pk}/")
            case "archive":
                verbs.archive_segment(segment, actor=actor(request))
                return go("/lists/")
            case "restore":
                verbs.restore_segment(pk, actor=actor(request))
            case _:
                raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    except (Conflict, Invalid) as error:
        said = next(iter(faults(error).values())) if isinstance(error, Invalid) else str(error)
        return render(request, "lists/part.html", {**_context(request, one(pk, archived=True)), "fault": said}, status=422)
    return render(request, "lists/part.html", _context(request, one(pk, archived=True)))
