"""Lead scoring: the scores of the account, and new ones from a preset, a file or nothing. One score's sheet is scoring_sheet.py."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.platform.errors import Conflict, Invalid
from baton.segments import cards, presets
from baton.segments.models import ScoreModel, ScoreVersion
from baton.web.answer import go
from baton.web.page import Page, actor, allow, user
from baton.web.parts import people, score_draft

RESERVED = ("new", "forms", "people", "won")  # addresses that are no score's key
FILE = 1_000_000  # bytes of a YAML file


class Scoring(Page):
    key = "scoring"
    label = _("Lead scoring")
    icon = "gauge"
    group = "automation"
    order = 20
    area = "scoring"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("scoring/", show),
            path("scoring/new/", new),
            path("scoring/people/", find_people),
            path("scoring/<slug:key>/archive/", archive),
        ]


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest) -> HttpResponseBase:
    """The scores; with only one, its sheet (`?all` shows the list none the less)."""
    models = list(ScoreModel.objects.filter(archived_at=None))
    if len(models) == 1 and "all" not in request.GET:
        asked = request.GET.urlencode()
        return redirect(f"/scoring/{models[0].key}/{'?' if asked else ''}{asked}")
    versions = {v.model_id: v for v in ScoreVersion.objects.filter(state="published")}
    drafts = {v.model_id: v for v in ScoreVersion.objects.filter(state__in=cards.OPEN)}
    rows = [(m, len([r for r in versions[m.pk].content["rules"] if r["active"]]), versions[m.pk], drafts.get(m.pk)) for m in models if m.pk in versions]
    first = next((m.pk for m in models if m.object_type == "contact"), None)
    context = {"rows": rows, "first": first, "may_edit": permissions.can(request.user, "scoring", "edit"), "choices": _choices()}
    return render(request, "scoring/list.html", context)


def _choices() -> list[dict[str, Any]]:
    """What a score can begin as: a preset, what it is for, how many rules it has and where its bands begin."""
    found = []
    for preset in presets.PRESETS.values():
        content = preset.content()
        marks = " · ".join(f"{band['label']} {band['at_least']}" for band in content["bands"])
        found.append({"key": preset.key, "name": gettext(preset.label), "about": gettext(preset.about), "rules": len(content["rules"]), "marks": marks})
    return found


@allow("scoring", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: a score from a preset (`preset`) or a YAML file (`file`), under a name of one's own if one is given."""
    if request.method != "POST":
        return render(request, "scoring/new.html", {"choices": _choices(), "chosen": "", "models": _contact_models()})
    name = request.POST.get("name", "").strip()
    try:
        name = score_draft.text(request.POST, "name")
        content = _content(request)
        content |= {"name": name} if name else {}
        made = cards.create(content, key=_key(str(content.get("name") or "")), actor=actor(request))
    except (Invalid, Conflict) as error:
        said = [(p.path, p.message) for p in error.problems] if isinstance(error, Invalid) else [("", str(error))]
        context = {"choices": _choices(), "faults": said, "name": name, "chosen": request.POST.get("preset", ""), "models": _contact_models()}
        return render(request, "scoring/new.html", context, status=422)
    return go(f"/scoring/{made.key}/")


def _contact_models() -> list[ScoreModel]:
    return list(ScoreModel.objects.filter(object_type="contact", archived_at=None))


def _content(request: HttpRequest) -> dict[str, Any]:
    if found := uploaded(request):
        return cards.from_yaml(found)
    preset = presets.PRESETS.get(request.POST.get("preset", ""))
    if preset is not None:
        return preset.content()
    if request.POST.get("preset") == "company":
        model = request.POST.get("model", "")
        content = presets.blank(gettext("Company score"))
        return content | {"object_type": "company", "people": {"model": model, "how": "sum", "at_least": 0} if model else None}
    raise Invalid.one("preset", "INVALID_OPTION", gettext("Choose what the score begins as, or a file."))


def uploaded(request: HttpRequest) -> str:
    """The text of the file in the form; empty without one. Raises Invalid (`file`)."""
    file = request.FILES.get("file")
    if file is None:
        return ""
    if (file.size or 0) > FILE:
        raise Invalid.one("file", "TOO_LARGE", gettext("This file is too large to be a score."))
    try:
        return bytes(file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid.one("file", "INVALID_FILE", gettext("This is no text file in UTF-8.")) from error


def _key(name: str) -> str:
    """A key that is no address of these pages; empty: one is made from the name."""
    return f"{name.lower()}_score" if name.lower() in RESERVED else ""


@require_POST
@allow("scoring", "edit")
def archive(request: HttpRequest, key: str) -> HttpResponse:
    """Put a score aside; a toast says who still looks at it when that is refused."""
    cards.archive(cards.model(key), actor=actor(request))
    return go("/scoring/")


@require_GET
@allow("scoring", "view")
def find_people(request: HttpRequest) -> HttpResponse:
    """Contacts whose name, company or address contains `?q=`, as links to `?at=`, the sheet they are tried on."""
    found = people.search(request.GET.get("q", ""), rights=rights.of(user(request)), limit=8)
    at = request.GET.get("at", "")
    at = at if ScoreModel.objects.filter(key=at).exists() else ""
    return render(request, "scoring/people.html", {"found": found, "q": request.GET.get("q", ""), "at": at})
