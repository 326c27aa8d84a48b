"""Forms: all of them with what they brought, and new ones from a preset."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.analytics import form_report
from baton.forms import verbs
from baton.forms.models import Form, FormSplit
from baton.platform.errors import Invalid, NotFound

from ..answer import done, faults, go, targets, toast
from ..page import Page, actor, allow
from ..parts import form_presets

PAGE = 50


class Forms(Page):
    key = "forms"
    label = gettext_lazy("Forms")
    icon = "clipboard-list"
    group = "marketing"
    order = 30
    area = "forms"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("forms/", index), path("forms/new/", new), path("forms/<int:pk>/do/", act)]


def one(pk: int, *, archived: bool = False) -> Form:
    """A form; one put aside only when asked for. Raises NotFound."""
    found = Form.objects.filter(pk=pk).first()
    if found is None or (found.archived_at is not None and not archived):
        raise NotFound(_("This form no longer exists."))
    return found


@require_GET
@allow("forms")
def index(request: HttpRequest) -> HttpResponse:
    """All forms by name; `?q=` searches, `?archived=1` shows those put aside."""
    context = _context(request)
    return render(request, "forms_list/rows.html" if targets(request, "form-rows") else "forms_list/page.html", context)


def _context(request: HttpRequest) -> dict[str, Any]:
    text, aside = request.GET.get("q", "").strip().replace("\0", ""), bool(request.GET.get("archived"))
    found = Form.objects.filter(archived_at__isnull=not aside).order_by("name", "pk")
    if text:
        found = found.filter(name__icontains=text)
    total, asked = found.count(), request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    shown = list(found[(number - 1) * PAGE : number * PAGE])
    ids = [form.pk for form in shown]
    sums, last = form_report.sums(ids), form_report.last(ids)
    public = form_report.public(shown)
    tests = {test.form_id: test for test in FormSplit.objects.filter(form_id__in=ids, ended_at=None)}
    rows = [
        {"form": form, "sums": sums[form.pk], "last": last.get(form.pk), "test": tests.get(form.pk), "changed": public.get(form.pk) != form.draft}
        for form in shown
    ]
    return {
        "rows": rows, "q": text, "total": total, "number": number, "more": total > number * PAGE, "aside": aside, "days": form_report.DAYS,
        "may_edit": permissions.can(request.user, "forms", "edit"), "may_score": permissions.can(request.user, "scoring"),
    }  # fmt: skip


@allow("forms", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """Choose what to begin with; POST makes the form and opens its builder."""
    language = request.POST.get("language") or request.GET.get("language") or (get_language() or "ko")[:2]
    language = language if language in ("ko", "en") else "ko"
    if request.method != "POST":
        return render(request, "forms_list/new.html", {"presets": form_presets.PRESETS, "chosen_language": language})
    try:
        name, definition = form_presets.make(request.POST.get("preset", ""), language)
    except KeyError:
        raise NotFound(_("There is no such preset.")) from None
    try:
        form = verbs.create(request.POST.get("name", "").strip() or name, definition, actor=actor(request))
    except Invalid as error:
        context = {"presets": form_presets.PRESETS, "chosen_language": language, "faults": faults(error), "name": request.POST.get("name", "")}
        return render(request, "forms_list/new.html", context, status=422)
    return go(f"/forms/{form.pk}/")


@require_POST
@allow("forms", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a form aside, take it back, or give it another name."""
    form, what = one(pk, archived=True), request.POST.get("do", "")
    undo = {"url": f"/forms/{pk}/do/", "target": "#form-rows", "swap": "innerMorph"}
    if what == "rename":
        verbs.save(form, actor=actor(request), name=request.POST.get("name", ""))
        return done(_("{name}: saved").format(name=form.name))
    if what == "archive":
        verbs.archive(form, actor=actor(request))
        text, undo["values"] = _("{name} was put aside. Pages that show it say that it is closed.").format(name=form.name), {"do": "restore"}  # type: ignore[assignment]
    elif what == "restore":
        verbs.restore(form, actor=actor(request))
        text, undo["values"] = _("{name} takes answers again.").format(name=form.name), {"do": "archive"}  # type: ignore[assignment]
    else:
        raise NotFound(_("This does not exist."))
    return toast(render(request, "forms_list/rows.html", _context(request)), text, undo)
