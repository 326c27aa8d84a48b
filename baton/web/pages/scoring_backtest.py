"""A score tried on the past: what its bands, thresholds and rules would have been worth, proposals to put in the draft, the month by month report.

The closed deals that proposals come from are in scoring_deals.py.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import advice, backtest, card, cards, model_report, outcomes, statistics
from baton.segments.models import Backtest, ScoreModel
from baton.segments.outcomes import Settings
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow
from baton.web.parts import backtest_words, score_draft, score_words

RUNS = 10  # earlier ones offered
DAYS = (180, 365, 730, 0)  # 0: for ever
LONGEST = 36_500  # days


class ScoringBacktest(Page):
    key = "scoring-backtest"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "scoring/<slug:key>/backtest/"
        return [
            path(at, show),
            path(f"{at}start/", start),
            path(f"{at}report/", report),
            path(f"{at}<int:pk>/stop/", stop),
            path(f"{at}<int:pk>/rules/<int:number>/", add),
            path(f"{at}<int:pk>/rules/<int:number>/back/", take_back),
            path(f"{at}<int:pk>/bands/<slug:band>/", begin),
        ]


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest, key: str) -> HttpResponse:
    """The page with the newest back-test, or that of `?run=`; to htmx only the state and the result."""
    model = cards.model(key)
    runs = list(Backtest.objects.filter(model=model).defer("result", "content").order_by("-pk")[:RUNS])
    test = _test(model, request.GET.get("run", ""), runs)
    context = {**_context(request, model, test), "runs": [_run(run) for run in runs]}
    if targets(request, "backtest"):
        return render(request, "backtest/result.html", context)
    return render(request, "backtest/page.html", context)


def _test(model: ScoreModel, asked: str, runs: list[Backtest]) -> Backtest | None:
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else runs[0].pk if runs else 0
    return Backtest.objects.filter(model=model, pk=number).first()


def _run(test: Backtest) -> dict[str, Any]:
    ends = {"both": _("deals and verdicts"), "deals": _("deals"), "verdicts": _("verdicts")}[test.settings.get("ends", "both")]
    return {"test": test, "text": _("version {number} · {ends}").format(number=test.version, ends=ends)}


def _context(request: HttpRequest, model: ScoreModel, test: Backtest | None) -> dict[str, Any]:
    draft, published = cards.draft(model), model.versions.filter(state="published").first()
    settings = Settings.from_json(test.settings) if test else Settings()
    context = {
        "model": model,
        "draft": draft,
        "published": published,
        "test": test,
        "settings": settings,
        "chosen_days": settings.days or 0,
        "days": DAYS,
        "busy": test is not None and test.state in backtest.WORKING,
        "may_edit": permissions.can(request.user, "scoring", "edit"),
        "least": statistics.LEAST,
        "most": outcomes.MOST,
        "who": _name(test.created_by) if test else "",
    }
    return context | (_result(model, test) if test is not None and test.state == "done" and test.result else {})


def _name(stored: str) -> str:
    found = Actor.parse(stored)
    if found.kind != "user" or found.id is None:
        return ""
    return User.objects.filter(pk=found.id).values_list("name", flat=True).first() or ""


def _result(model: ScoreModel, test: Backtest) -> dict[str, Any]:
    result = test.result or {}
    tried = card.read(test.content)
    working = advice.working(model)
    counts = result["counts"]
    good = counts["won"] + counts["ready"]
    bad = sum(counts.values()) - good
    return {
        "result": result,
        "good": good,
        "bad": bad,
        "total": good + bad,
        "few": min(good, bad) < statistics.LEAST,
        "chosen": _chosen(result, good + bad),
        "bands": backtest_words.bands(result),
        "bars": backtest_words.bars(result),
        "marks": backtest_words.marks(result),
        "cuts": backtest_words.cuts(result, working),
        "rules": backtest_words.rules(result, tried),
        "candidates": backtest_words.candidates(result, working),
        "bant": backtest_words.bant(result["bant"]),
    }


def _chosen(result: dict[str, Any], total: int) -> bool:
    """Whether sales took up hardly anybody below the last band, so that nothing can be said of them."""
    last = result["bands"][-1]
    return total >= statistics.LEAST and last["at_least"] is not None and last["good"] + last["bad"] > total * 0.95


@require_POST
@allow("scoring", "edit")
def start(request: HttpRequest, key: str) -> HttpResponseBase:
    """Try a version: `version` (its number), `ends`, `moment`, `days`."""
    model, given = cards.model(key), request.POST
    try:
        days = score_draft.integer(given, "days", 0, LONGEST) if "days" in given else 365
        settings = Settings(_one_of(given, "ends", ("both", "deals", "verdicts")), _one_of(given, "moment", ("created", "closed")), days or None)  # type: ignore[arg-type]  # checked
        version = int(given["version"]) if given.get("version") else None
    except ValueError as error:
        raise Invalid.one("days", "INVALID_NUMBER", _("Expected a whole number.")) from error
    test = backtest.ask(model, settings, version=version, actor=actor(request))
    return redirect(f"/scoring/{key}/backtest/?run={test.pk}")


def _one_of(given: Any, name: str, known: tuple[str, ...]) -> str:
    value = given.get(name, known[0])
    if value not in known:
        raise Invalid.one(name, "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(known)))
    return str(value)


def _held(key: str, pk: int) -> tuple[ScoreModel, Backtest]:
    model = cards.model(key)
    test = Backtest.objects.filter(model=model, pk=pk).first()
    if test is None:
        raise NotFound(_("There is no such back-test."))
    return model, test


@require_POST
@allow("scoring", "edit")
def stop(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Stop a running one."""
    model, test = _held(key, pk)
    backtest.cancel(test, actor=actor(request))
    test.refresh_from_db()
    return render(request, "backtest/result.html", _context(request, model, test))


# Proposals ---------------------------------------------------------------------


def _candidate(test: Backtest, number: int) -> dict[str, Any]:
    found = (test.result or {}).get("candidates") or []
    if number >= len(found):
        raise NotFound(_("There is no such proposal."))
    return dict(found[number]["rule"])


def _added(request: HttpRequest, model: ScoreModel, test: Backtest, number: int, *, there: bool) -> HttpResponse:
    return render(request, "backtest/add.html", {"model": model, "test": test, "row": {"number": number, "there": there}, "may_edit": True})


@require_POST
@allow("scoring", "edit")
def add(request: HttpRequest, key: str, pk: int, number: int) -> HttpResponse:
    """Put a proposed rule in the draft."""
    model, test = _held(key, pk)
    rule = _candidate(test, number)
    advice.put(model, rule, actor=actor(request))
    undo = {"url": f"/scoring/{key}/backtest/{pk}/rules/{number}/back/", "target": f"#add-{number}", "values": {}, "swap": "outerHTML"}
    return toast(_added(request, model, test, number, there=True), _("In the draft: {rule}").format(rule=score_words.sentence(rule)), undo)


@require_POST
@allow("scoring", "edit")
def take_back(request: HttpRequest, key: str, pk: int, number: int) -> HttpResponse:
    """Take it out of the draft again."""
    model, test = _held(key, pk)
    cards.drop_rule(model, _candidate(test, number)["key"], actor=actor(request))
    return _added(request, model, test, number, there=False)


@require_POST
@allow("scoring", "edit")
def begin(request: HttpRequest, key: str, pk: int, band: str) -> HttpResponse:
    """Let a band of the draft begin where it was proposed."""
    model, test = _held(key, pk)
    cut = next((c for c in (test.result or {}).get("cuts", ()) if c["band"] == band), None)
    if cut is None or cut["at"] is None:
        raise NotFound(_("There is no such proposal."))
    try:
        advice.begin_at(model, band, cut["at"], actor=actor(request))
    except Invalid as error:
        raise Conflict(error.problems[0].message) from error
    text = _("In the draft: {band} begins at {n} points").format(band=cut["label"], n=cut["at"])
    return toast(render(request, "backtest/result.html", _context(request, model, test)), text)


@require_GET
@allow("scoring", "view")
def report(request: HttpRequest, key: str) -> HttpResponse:
    """The months: how many came so far, what sales said, how the points moved, which rules led to refusals."""
    model = cards.model(key)
    found = model_report.of(model)
    rules = {rule.pk: rule for rule in model.rules.all()}
    behind = [
        {
            "sentence": score_words.sentence({"key": rules[b.rule_id].key, "filter": rules[b.rule_id].filter}),
            "refused": backtest_words.share(b.refused),
            "accepted": backtest_words.share(b.accepted),
            "lift": backtest_words.times(b.lift),
        }
        for b in found.behind[:8]
        if b.rule_id in rules
    ]
    months = [{"month": month, "accepted": backtest_words.share(month.accepted)} for month in found.months]
    context = {"model": model, "report": found, "months": months, "behind": behind, "accepted": backtest_words.share(found.accepted)}
    return render(
        request, "backtest/report.html", context | {"shift": None if found.drift is None else f"{found.drift:.2f}", "moved": (found.drift or 0) >= 0.25}
    )
