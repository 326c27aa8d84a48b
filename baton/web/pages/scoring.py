"""The rule sheet of lead scoring: rules with the people they match, the distribution of scores, a contact tried against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm.models import Contact
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem
from baton.platform.models import History
from baton.segments import cards, finder, scoring
from baton.segments import filter as filters
from baton.segments.finder import Find
from baton.segments.models import ScoreModel, ScoreRule
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import people

GROUPS: dict[str, tuple[str | Promise, str]] = {
    "fit_person": (_("Fit · person"), "user-round"),
    "fit_company": (_("Fit · company"), "building-2"),
    "form": (_("Engagement · forms"), "clipboard-list"),
    "web": (_("Engagement · website"), "mouse-pointer-click"),
    "email": (_("Engagement · e-mail and events"), "mail"),
    "minus": (_("Negative points and exclusions"), "circle-minus"),
}
CHANGES_SHOWN = 20
AT_ONCE = 3_000  # with no more contacts than this, everybody is scored again before the answer; else a worker does it


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
            path("scoring/rules/<int:pk>/", change_rule),
            path("scoring/thresholds/", change_thresholds),
            path("scoring/people/", find_people),
            path("scoring/history/", changes),
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """A rule of the sheet."""

    rule: ScoreRule
    sentence: str
    matched: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the data says about the thresholds; a number that has no ground is None."""

    won: int  # contacts that became customers in the last 90 days
    won_share: int | None  # % of them whose score is at least the SQL threshold
    arrivals: float | None  # contacts that became SQL a day, over the last 30 days


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the sheet, as the history tells it."""

    at: datetime
    who: str
    what: str
    detail: str


def _model() -> ScoreModel:
    model = scoring.first_model()
    if model is None:
        raise NotFound(gettext("There is no score model yet."))
    return model


def _side(request: HttpRequest, model: ScoreModel) -> dict[str, Any]:
    """The histogram, its thresholds and the tested contact."""
    chart = scoring.histogram(model)
    top = max(1, *(b.count for b in chart.bins))
    tested = _tested(request.GET.get("contact") or request.POST.get("contact") or "", model, rights.of(user(request)))
    hits = scoring.explain(tested.pk, model) if tested else []
    return {
        "model": model,
        "chart": chart,
        "bins": [(b, round(b.count * 100 / top, 1)) for b in chart.bins],
        "share": {name: round(getattr(chart, name) * 100 / chart.total) if chart.total else 0 for name in ("below", "mql", "sql")},
        "low": scoring.LOW,
        "high": scoring.HIGH,
        "last": scoring.HIGH + scoring.BIN,
        "marks": [(at, round((at - scoring.LOW) * 100 / (scoring.HIGH + scoring.BIN - scoring.LOW), 1)) for at in (scoring.LOW, 0, 50, 100, scoring.HIGH)],
        "facts": _facts(model),
        "tested": people.person(tested) if tested else None,
        "score": sum(h.points for h in hits),
        "hits": [(h, _sentence(h.rule)) for h in hits if h.times],
        "missed": [(h, _sentence(h.rule)) for h in hits if not h.times],
        "may_edit": permissions.can(request.user, "scoring", "edit"),
        "behind": _behind(model),
    }


def _behind(model: ScoreModel) -> bool:
    """Whether a rule was changed after everybody was scored last."""
    last = History.objects.filter(subject_type="score_rule").order_by("-at").values_list("at", flat=True).first()
    return last is not None and (model.evaluated_at is None or model.evaluated_at < last)


def _tested(asked: str, model: ScoreModel, held: Rights) -> Contact | None:
    """The contact asked for, else the one with the most points, of those the user may see."""
    live = Contact.objects.filter(archived_at=None)
    found = live.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is not None and held.may("contact", "view", [found.owner_id]):
        return found
    seen, params = held.where("contact", "view", "c")
    best = sql.rows(
        f"SELECT s.contact_id FROM score s JOIN contact c ON c.id = s.contact_id WHERE s.model_id = %s AND c.archived_at IS NULL AND {seen}"
        " ORDER BY s.total DESC, s.contact_id DESC LIMIT 1",
        [model.pk, *params],
    ) or [(id,) for id in finder.ids(Find("contact", rights=held), limit=1)]
    return live.filter(pk=best[0][0]).first() if best else None


def _sentence(rule: ScoreRule) -> str:
    try:
        return filters.sentence(rule.filter)
    except Invalid:
        return gettext("This rule's condition can no longer be read ({key}).").format(key=rule.key)


def _lines(model: ScoreModel) -> list[Line]:
    rules = list(model.rules.all())
    counts = scoring.matched(r.pk for r in rules)
    return [Line(r, _sentence(r), counts[r.pk]) for r in rules]


def _page(request: HttpRequest, model: ScoreModel) -> dict[str, Any]:
    lines = _lines(model)
    keys = list(GROUPS) + sorted({line.rule.group for line in lines} - set(GROUPS))
    return {
        **_side(request, model),
        "groups": [(key, *GROUPS.get(key, (key, "list"))[:2], found) for key in keys if (found := [line for line in lines if line.rule.group == key])],
        "lines": lines,
        "rule_count": sum(line.rule.active for line in lines),
    }


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest) -> HttpResponse:
    """The page; its side panel for another tested contact (`?contact=<id>`); or all that moves when everybody was scored again (`?counts`)."""
    model = scoring.first_model()
    if model is None:
        return render(request, "scoring/empty.html")
    if "counts" in request.GET:
        return render(request, "scoring/changed.html", _page(request, model))
    if targets(request, "scoring-side"):
        return render(request, "scoring/side.html", _side(request, model))
    return render(request, "scoring/page.html", _page(request, model))


def _after_change(request: HttpRequest, model: ScoreModel, text: str) -> HttpResponse:
    """The side panel, and beside it the numbers of the rules, all counted again."""
    model.refresh_from_db()
    return toast(render(request, "scoring/changed.html", _page(request, model)), text)


@require_POST
@allow("scoring", "edit")
def change_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Points and switch of one rule; everybody is scored again before the answer."""
    model = _model()
    rule = model.rules.filter(pk=pk).first()
    if rule is None:
        raise NotFound(gettext("This rule no longer exists."))
    wanted = next(r for r in cards.current(model).rules if r.key == rule.key).model_dump(mode="json")
    wanted |= {"points": _integer(request.POST, "points", -1000, 1000), "active": "active" in request.POST}
    cards.put_rule(model, wanted, actor=actor(request))
    cards.publish(model, actor=actor(request))
    return _after_change(request, model, _score_now(model))


def _score_now(model: ScoreModel) -> str:
    """Score everybody again if that is quick; answers what to tell the user."""
    if Contact.objects.filter(archived_at=None).count() > AT_ONCE:
        return gettext("Saved; everybody is being scored again")
    scoring.everyone(model)
    return gettext("Saved, and everybody was scored again")


@require_POST
@allow("scoring", "edit")
def change_thresholds(request: HttpRequest) -> HttpResponse:
    """Where MQL and SQL begin."""
    model = _model()
    mql, over = sorted(_integer(request.POST, name, -1000, 1000) for name in ("mql", "sql"))
    try:
        bands = [band.model_dump(mode="json") | {"at_least": {"mql": mql, "sql": over}[band.key]} for band in cards.current(model).bands]
        cards.save(model, cards.current(model).to_json() | {"bands": bands}, actor=actor(request))
        cards.publish(model, actor=actor(request))
    except Invalid as error:
        response = _after_change(request, model, "; ".join(p.message for p in error.problems))
        response["HX-Reswap"] = "innerHTML"  # a morph would leave the sliders where they were dragged to
        return response
    return _after_change(request, model, gettext("Thresholds saved"))


def _integer(given: Mapping[str, str], name: str, low: int, high: int) -> int:
    """A whole number of the form. Raises Invalid."""
    try:
        value = int(given.get(name, ""))
    except ValueError:
        value = high + 1
    if not low <= value <= high:
        raise Invalid([Problem(name, "INVALID_NUMBER", gettext("Points must be a whole number from {low} to {high}.").format(low=low, high=high))])
    return value


@require_GET
@allow("scoring", "view")
def find_people(request: HttpRequest) -> HttpResponse:
    """Contacts whose name, company or address contains `?q=`."""
    found = people.search(request.GET.get("q", ""), rights=rights.of(user(request)), limit=8)
    return render(request, "scoring/people.html", {"found": found, "q": request.GET.get("q", "")})


# Facts -----------------------------------------------------------------------


REACHED = """
SELECT count(DISTINCT e.contact_id), count(DISTINCT e.contact_id) FILTER (WHERE s.total >= %(least)s)
FROM event e JOIN event_key k ON k.id = e.key AND k.kind = %(kind)s AND k.value = %(stage)s
LEFT JOIN score s ON s.contact_id = e.contact_id AND s.model_id = %(model)s
WHERE e.kind = %(kind)s AND e.ts >= %(since)s
"""


def _reached(model: ScoreModel, stage: str, days: int) -> tuple[int, int]:
    """Contacts that came to a stage in the last days, and how many of them have an SQL's score now."""
    params = {"least": model.begins("sql"), "kind": int(Kind.STAGE_CHANGED), "stage": stage, "model": model.pk, "since": clock.now() - timedelta(days=days)}
    return sql.rows(REACHED, params)[0]


def _facts(model: ScoreModel) -> Facts:
    won, strong = _reached(model, "customer", 90)
    arrived, _strong = _reached(model, "sql", 30)
    return Facts(won, round(strong * 100 / won) if won else None, round(arrived / 30, 1) if arrived else None)


# History ---------------------------------------------------------------------


@require_GET
@allow("scoring", "view")
def changes(request: HttpRequest) -> HttpResponse:
    """Who changed which rule or threshold, newest first."""
    model = _model()
    rows = list(History.objects.filter(subject_type__in=("score_rule", "score_model")).order_by("-at", "-id")[:CHANGES_SHOWN])
    rules = {str(r.pk): r for r in model.rules.all()}
    names = {str(Actor("user", u.pk)): u.name for u in User.objects.all()}
    return render(request, "scoring/history.html", {"edits": [_edit(row, rules, names) for row in rows]})


def _edit(row: History, rules: dict[str, ScoreRule], names: dict[str, str]) -> Edit:
    if row.subject_type == "score_rule":
        rule = rules.get(row.subject_id)
        what = _sentence(rule) if rule else gettext("A rule that no longer exists")
    else:
        what = gettext("Thresholds")
    detail = gettext("added") if row.verb == "created" else "; ".join(_told(row.detail))
    return Edit(row.at, names.get(row.actor, "Baton"), what, detail)


def _told(detail: dict[str, Any]) -> list[str]:
    """The changed values of a history row in words: 10 → 20 points."""
    words = []
    for name, pair in detail.items():
        if not (isinstance(pair, list) and len(pair) == 2) or pair[0] == pair[1]:
            continue
        old, new = pair
        if name == "active":
            words.append(gettext("switched on") if new else gettext("switched off"))
        elif name == "points":
            words.append(ngettext("{old} → {new} point", "{old} → {new} points", new).format(old=old, new=new))
        elif name in ("mql", "sql"):
            words.append(f"{name.upper()} {old} → {new}")
    return words
