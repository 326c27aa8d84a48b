"""Moving over from another mail tool: its export file, or its key and lists; how far it is, and what became of people."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.messaging.consent import subscriptions
from baton.messaging.consent.movers import files, verbs
from baton.messaging.consent.movers.verbs import Options
from baton.messaging.models import Move
from baton.platform.errors import Invalid, NotFound

from ..answer import faults
from ..page import Page, actor, allow, allow_records

PAST = 50
WORDS = {  # what became of people, in the order it is told
    "seen": gettext_lazy("People looked at"),
    "created": gettext_lazy("New contacts"),
    "agreed": gettext_lazy("Agreements taken over"),
    "agreed_already": gettext_lazy("Had agreed here already"),
    "without_proof": gettext_lazy("Came without proof of an agreement: no advertising"),
    "no_advertising": gettext_lazy("Not confirmed or without advertising: no agreement"),
    "refused_here": gettext_lazy("Refused here: stays so"),
    "unsubscribed": gettext_lazy("Unsubscribed there: now here too"),
    "unsubscribed_unknown": gettext_lazy("Unsubscribed, and no contact: kept as a hash"),
    "agreed_later": gettext_lazy("Unsubscribed there, agreed here later: stays so"),
    "cleaned": gettext_lazy("Bounced there: not written to"),
    "cleaned_unknown": gettext_lazy("Bounced, and no contact: kept as a hash"),
    "forgotten": gettext_lazy("Asked to be forgotten: left out"),
    "lists": gettext_lazy("Lists made of groups and tags"),
}
PROBLEMS = {
    "INVALID_EMAIL": gettext_lazy("no e-mail address"),
    "UNKNOWN_STATE": gettext_lazy("a state that is not known"),
    "NOT_CREATED": gettext_lazy("the contact could not be made"),
}


class Movers(Page):
    key = "import_movers"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("import/from/", start),
            path("import/from/lists/", lists),
            path("import/from/<int:pk>/", show),
            path("import/from/<int:pk>/stop/", stop),
        ]


@allow("imports", "edit")
@allow("emails", "edit")  # their answers change which mails go out
@allow_records("contact", "import")
def start(request: HttpRequest) -> HttpResponseBase:
    """GET: the form, and what was moved before. POST: begins with a file, or with a key and its lists."""
    errors: dict[str, str] = {}
    post = request.POST
    if request.method == "POST":
        try:
            chosen = Options(
                source=post.get("source", "").strip()[:1000], agreed_on=post.get("agreed_on", ""), everything=post.get("everything") != "kind",
                type=int(post.get("type") or 0) if (post.get("type") or "0").isdecimal() else -1, groups="groups" in post,
            )  # fmt: skip
            file = request.FILES.get("file")
            if file is not None:
                if (file.size or 0) > files.LARGEST:
                    raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=files.LARGEST >> 20))
                move = verbs.begin_file(post.get("service", ""), str(file.name), file.read(), chosen, actor=actor(request))
            elif post.get("key"):
                move = verbs.begin_api(post.get("service", ""), post["key"], post.getlist("list"), chosen, actor=actor(request))
            else:
                raise Invalid.one("file", "REQUIRED", _("Choose a file, or enter the key of the API."))
            return redirect(f"/import/from/{move.pk}/")
        except Invalid as error:
            errors = faults(error)
    past = Move.objects.defer("content", "problems").order_by("-pk")[:PAST]
    context = {
        "errors": errors, "services": list(verbs.LABELS.items()), "past": [(row, verbs.LABELS[row.service], _state(row)) for row in past], "typed": post,
        "kinds": [(type.pk, subscriptions.name(type)) for type in subscriptions.known()], "limit": files.LARGEST >> 20,
    }  # fmt: skip
    return render(request, "movers/start.html", context, status=422 if errors else 200)


@require_POST
@allow("imports", "edit")
@allow("emails", "edit")  # their answers change which mails go out
@allow_records("contact", "import")
def lists(request: HttpRequest) -> HttpResponse:
    """The lists that a key opens, to choose from."""
    try:
        found, fault = verbs.lists(request.POST.get("service", ""), request.POST.get("key", "")), ""
    except Invalid as error:
        found, fault = [], error.problems[0].message
    return render(request, "movers/lists.html", {"lists": found, "fault": fault}, status=422 if fault else 200)


@require_GET
@allow("imports", "edit")
@allow("emails", "edit")  # their answers change which mails go out
@allow_records("contact", "import")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, or what became of people."""
    row = _get(pk)
    counts: list[tuple[Any, int]] = [(word, int(row.counts[key])) for key, word in WORDS.items() if row.counts.get(key)]
    problems = [(line, PROBLEMS.get(code, code)) for line, code in row.problems]
    context = {
        "row": row,
        "service": verbs.LABELS[row.service],
        "counts": counts,
        "problems": problems,
        "state": _state(row),
        "busy": row.state in ("running", "waiting"),
    }
    return render(request, "movers/progress.html" if request.headers.get("HX-Request") else "movers/show.html", context)


@require_POST
@allow("imports", "edit")
@allow("emails", "edit")  # their answers change which mails go out
@allow_records("contact", "import")
def stop(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Go no further."""
    verbs.stop(_get(pk).pk, actor=actor(request))
    return redirect(f"/import/from/{pk}/")


def _get(pk: int) -> Move:
    row = Move.objects.defer("content").filter(pk=pk).first()
    if row is None:
        raise NotFound(_("There is no such import."))
    return row


def _state(row: Move) -> tuple[str, str]:
    """The badge: its colour and its word."""
    seen = int(row.counts.get("seen", 0))
    match row.state:
        case "done":
            return "good", _("Done")
        case "failed":
            return "bad", _("Failed")
        case "stopped":
            return "outline", _("Stopped")
        case "waiting":
            return "warn", _("Waiting")
        case _:
            return "", ngettext("{n} person so far", "{n} people so far", seen).format(n=f"{seen:,}")
