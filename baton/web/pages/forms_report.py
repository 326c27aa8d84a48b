"""The report of a form: how many saw, began and sent it, where and from where, what it gave in points and customers; and the test of two versions."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import rights as access
from baton.accounts.rights import Rights
from baton.analytics import form_report, form_trial
from baton.analytics.form_report import Report
from baton.crm import properties
from baton.forms import verbs
from baton.platform.errors import Invalid, NotFound
from baton.segments import preview
from baton.segments.statistics import rate

from ..answer import go
from ..page import Page, actor, allow, allow_records, user
from ..parts import packed
from .forms import one
from .forms_answers import _fields as fields_of
from .forms_builder import head

WIDTH, HEIGHT = 720, 140  # px of the drawing of days


class FormsReport(Page):
    key = "forms-report"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("forms/<int:pk>/report/", show), path("forms/<int:pk>/test/", end)]


@require_GET
@allow("forms")
@allow_records("contact", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The report; `?days=` is one of PERIODS."""
    form = one(pk, archived=True)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(n) for n in form_report.PERIODS} else form_report.DAYS
    report, held = form_report.of(form, days), access.of(user(request))
    labels = {name: str(field["label"]) for name, field in fields_of(form).items()}
    test = verbs.running(form)
    trials = [form_trial.of(split) for split in ([test] if test else []) + [s for s in verbs.splits(form) if s.ended_at][:3]]
    context = {
        **head(request, form, "report"),
        "report": report,
        "periods": form_report.PERIODS,
        "steps": _steps(report, held),
        "outcomes": _outcomes(report, held),
        "fields": [(labels.get(name, name) or _("not told"), n, _share(n, report.left)) for name, n in report.fields],
        "pages": [
            (page, saw, rate(converted, saw), sent, f"/forms/{pk}/answers/?{urlencode({'page': page})}") for page, saw, converted, sent in report.by_page
        ],
        "sources": [
            (_source(key), n, packed.url("contact", form_report.from_source(pk, days, key)), _share(n, report.sums.sent)) for key, n in report.by_source
        ],
        "drawing": _drawing(report),
        "least": form_trial.LEAST,
        "least_sent": form_trial.LEAST_SENT,
        "trials": [{"trial": trial, "running": trial.split.ended_at is None, "sides": _sides(trial)} for trial in trials],
    }
    return render(request, "forms_report/page.html", context)


def _steps(report: Report, held: Rights) -> list[dict[str, Any]]:
    """The way through the form: each step, its share of those who saw it, and the people behind it."""
    sums, behind = report.sums, form_report.people(report.form.pk, report.days)
    counted = {key: preview.live(behind[key], rights=held).number for key in ("saw", "began", "left")}
    rows = (
        ("saw", _("saw the form"), sums.saw, None, "eye"),
        ("began", _("began to fill it in"), sums.began, rate(sums.began, sums.saw), "text-cursor-input"),
        ("left", _("left it without sending"), report.left, rate(report.left, sums.began) if report.left <= sums.began else None, "log-out"),
        ("sent", _("sent it"), sums.converted, sums.conversion, "send"),
    )
    return [
        {"key": key, "label": label, "n": n, "rate": share, "icon": icon, "url": packed.url("contact", behind[key]), "known": counted.get(key),
         "bar": round(100 * n / sums.saw, 1) if sums.saw else 0}
        for key, label, n, share, icon in rows
    ]  # fmt: skip


def _outcomes(report: Report, held: Rights) -> list[dict[str, Any]]:
    """What became of those who sent it; each number is that of the table it opens."""
    behind = form_report.people(report.form.pk, report.days)
    labels = (
        ("sent", _("contacts sent it")),
        ("mql", _("of them became MQL in this time")),
        ("sql", _("of them became SQL in this time")),
        ("won", _("of them have a won deal")),
    )
    found = {key: preview.live(behind[key], rights=held) for key, _label in labels}
    return [
        {"key": key, "label": label, "n": found[key].number, "exact": found[key].exact, "url": packed.url("contact", behind[key]),
         "rate": rate(found[key].number, found["sent"].number) if key != "sent" and found[key].number <= found["sent"].number else None}
        for key, label in labels
    ]  # fmt: skip


def _share(n: int, of: int) -> float:
    return round(100 * n / of, 1) if of else 0.0


def _source(key: str) -> str:
    known = properties.definitions("contact").get("original_source")
    return (properties.option_label(known, key) if known and key else "") or key or _("not known")


def _drawing(report: Report) -> dict[str, Any]:
    """Bars of each day: those who saw, and in them those who sent."""
    days = report.by_day
    most = max([1, *(max(saw, sent) for _day, saw, _began, sent in days)])
    step = WIDTH / len(days)
    bars = []
    for at, (day, saw, began, sent) in enumerate(days):
        tall, full = saw * HEIGHT / most, sent * HEIGHT / most
        width = max(step - (2 if step > 5 else 0.5), 0.8)
        bars.append(
            (round(at * step, 2), round(width, 2), round(HEIGHT - tall, 1), round(tall, 1), round(HEIGHT - full, 1), round(full, 1), day, saw, began, sent)
        )
    return {
        "bars": bars,
        "most": most,
        "width": WIDTH,
        "height": HEIGHT,
        "heads": [days[0][0], days[len(days) // 2][0], days[-1][0]],
        "table": list(reversed(days)),
    }


def _sides(trial: form_trial.Trial) -> list[dict[str, Any]]:
    return [
        {"version": side.version, "rate": side.rate, "letter": letter, "better": trial.better == side.version, "kept": trial.split.kept == side.version,
         "url": f"/forms/{trial.split.form_id}/answers/?version={side.version}", "share": 100 - trial.split.share if letter == "A" else trial.split.share}
        for letter, side in (("A", trial.a), ("B", trial.b))
    ]  # fmt: skip


@require_POST
@allow("forms", "edit")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose one of the two versions: everybody sees it from now on."""
    form = one(pk)
    keep = request.POST.get("keep", "")
    if not (keep.isascii() and keep.isdecimal() and len(keep) < 9):
        raise NotFound(_("There is no such version."))
    try:
        verbs.end_split(form, int(keep), actor=actor(request))
    except Invalid as error:
        raise NotFound(error.problems[0].message) from None
    return go(f"/forms/{pk}/report/#test")
