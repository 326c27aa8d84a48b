"""Won deals looked back on: how the newest came about, the pages seen before them, the products; and what of it becomes a rule of the first score."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.crm import properties
from baton.crm.models import Contact
from baton.events.models import EventKey
from baton.events.vocabulary import Kind
from baton.platform.errors import NotFound
from baton.segments import advice, cards, outcomes, scoring, statistics, won
from baton.segments.advice import Trait
from baton.segments.models import Backtest, ScoreModel
from baton.segments.won import Story
from baton.web.answer import toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import backtest_words, people, score_words

COUNTS = (5, 10, 20, 50)
STEPS = 6  # of each kind told at once


class ScoringDeals(Page):
    key = "scoring-deals"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("scoring/won/", show),
            path("scoring/won/pages/", pages),
            path("scoring/won/pages/<int:key>/", add_page),
            path("scoring/won/products/", products),
            path("scoring/won/products/<int:product>/", add_product),
            path("scoring/won/rules/<slug:rule>/back/", take_back),
        ]


@require_GET
@allow("scoring", "view")
def show(request: HttpRequest) -> HttpResponse:
    """The newest won deals, `?n=` of them; pages and products come after it."""
    asked = request.GET.get("n", "")
    count = int(asked) if asked in map(str, COUNTS) else COUNTS[0]
    held = rights.of(user(request))
    stories = won.stories(count, held)
    named = _named(stories, held)
    model = scoring.first_model()
    context = {
        "stories": [_told(story, named) for story in stories],
        "count": count,
        "counts": COUNTS,
        "model": model,
        "bant": _bant(model),
    }
    return render(request, "backtest/won.html", context)


def _named(stories: list[Story], held: rights.Rights) -> dict[int, people.Person]:
    """The contacts that the reader may see."""
    found = Contact.objects.filter(pk__in=[s.contact_id for s in stories if s.contact_id])
    return {c.pk: people.person(c) for c in found if held.may("contact", "view", [c.owner_id])}


def _told(story: Story, named: dict[int, people.Person]) -> dict[str, Any]:
    source = properties.definitions("contact").get("lead_source")
    label = properties.option_label(source, story.source) if source and story.source else ""
    kinds = (
        ("pages", _("Pages seen"), "file-text"),
        ("forms", _("Forms"), "clipboard-list"),
        ("downloads", _("Downloads"), "download"),
        ("mails", _("Mails"), "mail"),
    )
    groups = [
        {"label": word, "icon": icon, "steps": story.steps[kind][:STEPS], "more": max(len(story.steps[kind]) - STEPS, 0)}
        for kind, word, icon in kinds
        if story.steps[kind]
    ]
    return {"story": story, "person": named.get(story.contact_id or 0), "source": label, "groups": groups}


def _bant(model: ScoreModel | None) -> dict[str, Any] | None:
    """Of the newest back-test of the first score."""
    test = None if model is None else Backtest.objects.filter(model=model, state="done").order_by("-pk").first()
    return backtest_words.bant(test.result["bant"]) if test is not None and test.result else None


# Pages and products ------------------------------------------------------------


@require_GET
@allow("scoring", "view")
def pages(request: HttpRequest) -> HttpResponse:
    """The pages most seen before won deals."""
    found, wins, losses = won.assists()
    model = scoring.first_model()
    there = _there(model)
    rows = [
        {
            "assist": a, "won": backtest_words.share(a.won), "lost": backtest_words.share(a.lost), "lift": backtest_words.times(a.lift),
            "points": _points(a.lift.value if a.lift.tells > 0 else None), "there": advice.key(_page(a.address)) in there,
        }
        for a in found
    ]  # fmt: skip
    context = {"rows": rows, "wins": wins, "losses": losses, "least": statistics.LEAST, "model": model, "days": advice.WINDOW, **_may(request)}
    return render(request, "backtest/won_pages.html", context)


@require_POST
@allow("scoring", "edit")
def add_page(request: HttpRequest, key: int) -> HttpResponse:
    """Points for a page, in the draft of the first score: `points`."""
    address = EventKey.objects.filter(pk=key, kind=int(Kind.PAGE_VIEW)).values_list("value", flat=True).first()
    if address is None:
        raise NotFound(_("Nobody has seen this page."))
    return _put(request, _page(address), f"page-{key}", f"/scoring/won/pages/{key}/")


@require_GET
@allow("scoring", "view")
def products(request: HttpRequest) -> HttpResponse:
    """What each product brought, with proposed points."""
    found, closed = won.products()
    there = _there(scoring.first_model())
    rows = [
        {
            "product": p,
            "whole": None if p.worth is None else round(p.worth),
            "won": backtest_words.share(p.won),
            "there": p.rule is not None and advice.key(Trait("person", p.rule, 0, 0)) in there,
        }
        for p in found
    ]
    return render(request, "backtest/won_products.html", {"rows": rows, "closed": closed, "least": statistics.LEAST, **_may(request)})


@require_POST
@allow("scoring", "edit")
def add_product(request: HttpRequest, product: int) -> HttpResponse:
    """Points for those who ask for a product."""
    found = next((p for p in won.products()[0] if p.id == product and p.rule is not None and p.points is not None), None)
    if found is None or found.rule is None:
        raise NotFound(_("No property of contacts names this product."))
    return _put(request, Trait("person", found.rule, 0, 0), f"product-{product}", f"/scoring/won/products/{product}/")


@require_POST
@allow("scoring", "edit")
def take_back(request: HttpRequest, rule: str) -> HttpResponse:
    """Take a rule that was put in from here out of the draft again."""
    model = _first()
    cards.drop_rule(model, rule, actor=actor(request))
    place, url = request.POST.get("place", ""), request.POST.get("url", "")
    ours = url if url.startswith("/scoring/won/") else "/scoring/won/"
    return render(request, "backtest/won_add.html", {"place": place, "url": ours, "points": _given(request), "may_edit": True, "model": model})


def _put(request: HttpRequest, trait: Trait, place: str, url: str) -> HttpResponse:
    model, points = _first(), _given(request)
    rule = advice.rule(advice.working(model), trait, points)
    advice.put(model, rule, actor=actor(request))
    undo = {
        "url": f"/scoring/won/rules/{rule['key']}/back/",
        "target": f"#{place}",
        "swap": "outerHTML",
        "values": {"place": place, "url": url, "points": points},
    }
    answer = render(request, "backtest/won_add.html", {"place": place, "url": url, "points": points, "there": True, "may_edit": True, "model": model})
    return toast(answer, _("In the draft: {rule}").format(rule=score_words.sentence(rule)), undo)


def _first() -> ScoreModel:
    model = scoring.first_model()
    if model is None:
        raise NotFound(_("There is no score model yet."))
    return model


def _given(request: HttpRequest) -> int:
    given = request.POST.get("points", "")
    return max(1, min(int(given), 100)) if given.isascii() and given.isdigit() else 5


def _points(lift: float | None) -> int:
    return 5 if lift is None else advice.worth(lift)


def _there(model: ScoreModel | None) -> set[str]:
    """The keys of the rules of the draft, or of what is published."""
    if model is None:
        return set()
    return {rule.key for rule in advice.working(model).rules}


def _page(address: str) -> Trait:
    return Trait("page", advice.happened(Kind.PAGE_VIEW, address) or {}, 0, 0)


def _may(request: HttpRequest) -> dict[str, Any]:
    return {"may_edit": permissions.can(request.user, "scoring", "edit") and scoring.first_model() is not None, "most": outcomes.MOST}
