"""The Model: the board of stages with flow and balance, its trend, cohorts, rankings, and the shared definition of each stage."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from baton.analytics import ageing, breakdown, cohorts, funnel, marks, periods
from baton.analytics.periods import Period
from baton.crm import properties, stages
from baton.crm.stages import Stage
from baton.platform.models import History

from ..answer import targets
from ..page import Page, allow
from ..parts import funnel_board, small_charts
from ..parts import funnel_words as words
from ..parts.funnel_board import Asked
from ..parts.people import colleagues

BACK = 24  # months to choose from
TABS = (
    ("", _("Board")),
    ("trend/", _("Trend")),
    ("cohorts/", _("Cohorts")),
    ("channels/", _("Sources")),
    ("owners/", _("Owners")),
    ("stages/", _("Definitions")),
)


class Model(Page):
    key = "model"
    label = _("The Model")
    icon = "git-merge"
    group = "analytics"
    order = 10
    area = "contacts"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("model/", board),
            path("model/ageing/", ages),
            path("model/trend/", trend),
            path("model/cohorts/", months_of_entry),
            path("model/channels/", channels),
            path("model/owners/", owners),
            path("model/stages/", definitions),
        ]


def _frame(request: HttpRequest, asked: Asked, tab: str) -> dict[str, Any]:
    """What all pages of The Model have at their head: period, filter, tabs."""
    users = colleagues()
    sources = [(option["value"], properties.option_label(_source(), option["value"])) for option in _source().options if not option.get("archived")]
    return {
        "asked": asked,
        "tab": tab,
        "views": [(f"/model/{place}{asked.query(rates=False)}", label, place == tab) for place, label in TABS],
        "params": asked.params(),
        "period": words.period(asked.period),
        "spans": [
            (span, label, span == asked.period.span)
            for span, label in (("month", gettext("Month")), ("quarter", gettext("Quarter")), ("year", gettext("12 months")))
        ],
        "months": _months(asked),
        "sources": [*sources, ("-", words.source_name(""))],
        "source": "" if asked.source is None else asked.source or "-",
        "source_label": words.source_name(asked.source) if asked.source is not None else "",
        "owners": [*((str(user.pk), user.name) for user in users), ("-", gettext("Nobody"))],
        "teams": [(f"team-{team.pk}", team.name) for team in funnel_board.teams()],
        "own_tab": f"/model/{tab}",
    }


def _source() -> Any:
    return properties.definitions("contact")["lead_source"]


def _months(asked: Asked) -> list[tuple[str, str, bool]]:
    """Months to choose from, newest first: (2026-11, 2026년 11월, chosen)."""
    now = periods.today().replace(day=1)
    return [(f"{first:%Y-%m}", words.month(first), f"{first:%Y-%m}" == asked.month) for n in range(BACK) for first in [periods.add(now, -n)]]


@require_GET
@allow("contacts", "view")
def board(request: HttpRequest) -> HttpResponse:
    """The board; `?nurturing=25` tries another rate. To htmx only the part that moves."""
    asked = funnel_board.read(request)
    now, before = funnel.board(asked.period, only=asked.only)
    shown = funnel_board.show(asked, now, before)
    asked = _only_tried(asked, shown)
    if targets(request, "model"):
        response = render(request, "model/board.html", {"shown": shown, "asked": asked})
        response["HX-Replace-Url"] = f"/model/{asked.query()}"
        return response
    return render(request, "model/page.html", {**_frame(request, asked, ""), "shown": shown})


def _only_tried(asked: Asked, shown: funnel_board.Shown) -> Asked:
    """The address without the rates that are what they were."""
    rates = {key: percent for key, percent in asked.rates.items() if key in shown.changed}
    return Asked(asked.period, asked.source, asked.owner, rates, asked.cost)


@require_GET
@allow("contacts", "view")
def ages(request: HttpRequest) -> HttpResponse:
    """How long the people of each stage are there: a part of the board that comes after it."""
    asked = funnel_board.read(request)
    found = ageing.read(asked.period.until, only=asked.only)
    rows = [
        (
            age,
            funnel_board.people_url(asked, age.stage.key, "closing"),
            funnel_board.people_url(asked, age.stage.key, "stuck"),
            [round(age.share(n) * 100, 1) for n in age.parts],
        )
        for age in found
        if age.stage.kind in ("forward", "recycle")
    ]
    return render(request, "model/ageing.html", {"rows": rows, "edges": ageing.EDGES})


@require_GET
@allow("contacts", "view")
def trend(request: HttpRequest) -> HttpResponse:
    """The last twelve months of every stage: flow, balance and rate, as small charts with a table."""
    asked = funnel_board.read(request)
    months = [Period("month", first, periods.add(first, 1)) for first in periods.trend(asked.period)]
    boards = funnel.boards(months, only=asked.only)
    changed = marks.between(months[0].first, months[-1].until)
    charts = [small_charts.of_stage(row.stage, months, boards, changed) for row in boards[-1].way if any(board.rows[row.stage.key].stays for board in boards)]
    charts += [
        small_charts.of_stage(row.stage, months, boards, changed) for row in boards[-1].boxes if any(board.rows[row.stage.key].stays for board in boards)
    ]
    names = words.names() if changed else {}
    lines = [
        (
            chart,
            [
                (
                    funnel_board.Number(board.rows[chart.key].flow_in, funnel_board.people_url(asked, chart.key, "in", month)),
                    funnel_board.Number(board.rows[chart.key].closing, funnel_board.people_url(asked, chart.key, "closing", month)),
                    words.percent(board.rows[chart.key].cvr),
                )
                for month, board in zip(months, boards, strict=True)
            ],
        )
        for chart in charts
    ]
    context = {"charts": charts, "lines": lines, "heads": [words.short_month(month.first) for month in months], "marks": funnel_board.told(changed, names)}
    return render(request, "model/trend.html", {**_frame(request, asked, "trend/"), **context})


@require_GET
@allow("contacts", "view")
def months_of_entry(request: HttpRequest) -> HttpResponse:
    """By month of entry: of those who came then, how far have they come by now."""
    asked = funnel_board.read(request)
    found = cohorts.read(periods.trend(asked.period), only=asked.only)
    way = [stage for stage in cohorts.way() if any(cohort.reached[stage.key].part for cohort in found)]
    rows = [
        (
            words.month(cohort.month),
            cohort,
            [(cohort.reached[stage.key], words.percent(cohort.reached[stage.key].value), _shade(cohort.reached[stage.key].value)) for stage in way],
            words.percent(cohort.ended.value),
        )
        for cohort in reversed(found)
    ]
    return render(request, "model/cohorts.html", {**_frame(request, asked, "cohorts/"), "rows": rows, "way": way})


def _shade(share: float | None) -> int:
    """How dark a cell is: 0 to 100."""
    return round((share or 0) * 100)


@require_GET
@allow("contacts", "view")
def channels(request: HttpRequest) -> HttpResponse:
    """Every source in every stage, ranked by the rate of going on."""
    asked = funnel_board.read(request)
    return _ranked(request, asked, "channels/", "source", lambda value: words.source_name(str(value or "")))


@require_GET
@allow("contacts", "view")
def owners(request: HttpRequest) -> HttpResponse:
    """The same by owner."""
    asked = funnel_board.read(request)
    names = words.names()
    return _ranked(request, asked, "owners/", "owner", lambda value: names.get(int(value or 0)) or gettext("Nobody"))


def _ranked(request: HttpRequest, asked: Asked, tab: str, by: str, name: Any) -> HttpResponse:
    found = breakdown.boards(by, asked.period, only=asked.only)
    way = [stage for stage in stages.known() if stage.kind in ("forward", "recycle") and any(board.rows[stage.key].stays for board in found.values())]
    places = {stage.key: breakdown.ranking(found, stage.key) for stage in way}
    rows = []
    for value, one in found.items():
        narrowed = Asked(asked.period, str(value or "") if by == "source" else asked.source, (str(value) if value else "-") if by == "owner" else asked.owner)
        cells = [_cell(narrowed, stage, places[stage.key][value]) for stage in way]
        new = sum(n for walked, n in one.ways.items() if not walked.out_of)
        rows.append(
            (
                name(value),
                new,
                cells,
                funnel_board.Number(one.won, funnel_board.people_url(narrowed, _contract(), "in") if one.won else ""),
                f"/model/{narrowed.query()}",
            )
        )
    rows.sort(key=lambda row: (-row[1], row[0]))
    return render(request, "model/ranking.html", {**_frame(request, asked, tab), "rows": rows, "way": way, "by": by})


def _cell(asked: Asked, stage: Stage, place: breakdown.Place) -> dict[str, Any]:
    low, high = place.rate.interval
    return {
        "rate": place.rate,
        "percent": words.percent(place.rate.value),
        "interval": f"{words.percent(round(low, 2)).removesuffix('%')}–{words.percent(round(high, 2))}",
        "rank": place.rank,
        "next": funnel_board.people_url(asked, stage.key, "next"),
    }


def _contract() -> str:
    return next((stage.key for stage in stages.known() if stage.kind == "won"), "")


@require_GET
@allow("contacts", "view")
def definitions(request: HttpRequest) -> HttpResponse:
    """What each stage is, for both departments: team, rule in words, since when, and who changed it."""
    asked = funnel_board.read(request)
    now, _before = funnel.board(asked.period, only=asked.only)
    names = words.names()
    changes: dict[str, list[tuple[Any, str, str]]] = {}
    for row in History.objects.filter(subject_type="lifecycle_stage").order_by("-at", "-id")[:500]:
        changes.setdefault(row.subject_id, []).append((row.at, words.actor_name(row.actor, names), words.change(row.detail)))
    sheets = [
        {
            "stage": row.stage,
            "team": words.team(row.stage.team),
            "rule": words.rule(row.stage),
            "versions": changes.get(row.stage.key, []),
            "number": len(changes.get(row.stage.key, [])) + 1,
            "narrow": now.bottleneck is row,
            "standing": funnel_board.Number(row.closing, funnel_board.people_url(asked, row.stage.key, "closing")),
            "returns": words.stage_name(row.stage.returns_to) if row.stage.returns_to else "",
            "kind": words.kind(row.stage.kind),
        }
        for row in now.rows.values()
        if row.stage.rank <= len(stages.known())
    ]
    return render(request, "model/stages.html", {**_frame(request, asked, "stages/"), "sheets": sheets})
