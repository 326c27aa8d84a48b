"""The Model in the browser's eyes: every number opens exactly its people, and who may not see somebody is told how many there are, not who."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Role, User
from baton.analytics import periods
from baton.crm import records, stages
from baton.crm.models import Contact
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from tests.analytics.ledger import at, book

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _november() -> None:
    clock.shift(at("2026-11-30", 20) - clock.now())


def people(count: int, first: int, *, source: str = "", owner: int | None = None) -> range:
    ids = range(first, first + count)
    now = clock.now()
    Contact.objects.bulk_create(
        Contact(id=id, properties={"lastname": "김", "firstname": f"하나{id}", "lead_source": source}, owner_id=owner, created_at=now, updated_at=now)
        for id in ids
    )
    return ids


@pytest.fixture
def november(oh: User) -> None:
    """A small month: 40 leads, of whom 24 go on to nurturing and 4 end; of 12 MQLs 6 become SQLs, 2 are recycled, 1 wins; 3 passed fast; one was erased."""
    day = [at("2026-11-03") + timedelta(days=2 * n) for n in range(10)]
    way = ["lead", "nurturing", "mql", "sql", "opportunity", "customer"]
    old = at("2026-09-20")
    book([(id, [(day[0], "lead")]) for id in people(9, 9_000_001, source="search")])
    book([(id, list(zip(day, way[:2], strict=False))) for id in people(12, 9_000_101, source="webinar", owner=oh.pk)])
    book([(id, [(day[0], "lead"), (day[1], "deadend")]) for id in people(4, 9_000_201)])
    book([(id, list(zip(day, way[:3], strict=False))) for id in people(6, 9_000_301, source="webinar")])
    book([(id, list(zip(day, way[:4], strict=False))) for id in people(3, 9_000_401)])
    book([(id, list(zip(day, [*way[:4], "recycle_a"], strict=False))) for id in people(2, 9_000_501)])
    book([(id, list(zip(day, way, strict=False))) for id in people(1, 9_000_601, source="webinar", owner=oh.pk)])
    book([(id, [(day[0], "lead"), (day[2], "sql")]) for id in people(3, 9_000_701)])
    book([(id, [(old, "mql")]) for id in people(5, 9_000_801)])
    book([(-77, [(day[0], "lead"), (day[3], "")])])


def text(web: Client, url: str, status: int = 200, **headers: str) -> str:
    answer = web.get(url, headers=headers or None)
    assert answer.status_code == status, url
    return unescape(answer.content.decode())


def links(html: str) -> dict[str, int]:
    """The addresses of people that a page links, with the number each stands on."""
    found = re.findall(r'<a href="(/model/people/\?[^"]+)"[^>]*>\+?([\d,]+)</a>', html)
    return {url: int(n.replace(",", "")) for url, n in found}


def listed(web: Client, url: str) -> int:
    """How many rows the pages behind an address have in all, as a reader turns them over."""
    rows, page, seen = 0, url, 0
    while page:
        html = text(web, page)
        seen = seen or int(re.search(r'<h1>.*?<small class="num">([\d,]+)</small>', html, re.S).group(1).replace(",", ""))  # type: ignore[union-attr]
        rows += html.count("<time datetime")
        following = re.search(r'href="(\?[^"]*after=[^"]*)"', html)
        page = f"/model/people/{following.group(1)}" if following else ""
    assert rows == seen
    return rows


def test_every_number_opens_exactly_its_people(web: Client, november: None) -> None:
    html = text(web, "/model/")
    found = links(html)
    told = {(parse_qs(urlsplit(url).query)["stage"][0], parse_qs(urlsplit(url).query)["what"][0]): n for url, n in found.items()}
    assert told["lead", "in"] == 41
    assert told["lead", "next"] == 24
    assert told["lead", "out_ended"] == 4
    assert told["lead", "out_fast_pass"] == 3
    assert told["lead", "out_rest"] == 1
    assert told["lead", "closing"] == 9
    assert told["mql", "opening"] == 5
    assert told["sql", "in_fast_pass"] == 3
    assert told["sql", "recycle_a"] == 2
    assert told["customer", "in"] == 1
    assert len(found) > 20
    for url, n in found.items():
        assert listed(web, url) == n, url
    ages = links(text(web, "/model/ageing/"))
    assert any("what=stuck" in url for url in ages)
    for url, n in {**ages, **links(text(web, "/model/trend/")), **links(text(web, "/model/stages/"))}.items():
        assert listed(web, url) == n, url
    for place in ("channels", "owners"):
        for url, n in links(text(web, f"/model/{place}/")).items():
            assert listed(web, url) == n, url


def test_the_pages_behind_a_number_follow_each_other(web: Client, november: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baton.web.pages.model_people.SIZE", 7)
    assert listed(web, "/model/people/?stage=lead&what=in&from=2026-11-01&to=2026-12-01") == 41
    assert listed(web, "/model/people/?stage=lead&what=closing&from=2026-11-01&to=2026-12-01") == 9


def test_whom_one_may_not_see_is_counted_and_not_named(november: None, web: Client) -> None:
    Role.objects.create(key="own", name="own", rights={"contact": {"view": "own", "export": "own"}}, areas={})
    kim = users.create("kim@nuriwork.example", "김", "a-long-enough-one", "own", actor=SYSTEM)
    Contact.objects.filter(pk=9_000_601).update(owner_id=kim.pk)
    mine = Client(headers={"accept-language": "en"})
    mine.force_login(kim)
    url = "/model/people/?stage=mql&what=in&from=2026-11-01&to=2026-12-01"
    html = text(mine, url)
    assert listed(mine, url) == 12
    assert html.count("하나") == 1 < text(web, url).count("하나")
    assert html.count("A contact you may not see") == 11
    assert "Merged or erased" in text(web, "/model/people/?stage=lead&what=exit&from=2026-11-01&to=2026-12-01")
    rows = list(csv.reader(io.StringIO(b"".join(mine.get(url.replace("/people/", "/people/export/")).streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert len(rows) == 13
    assert [row[1] for row in rows[1:] if row[1]] == ["김하나9000601"]


def test_a_file_only_with_the_right_to_export(november: None, oh: User, web: Client) -> None:
    url = "/model/people/export/?stage=lead&what=next&from=2026-11-01&to=2026-12-01"
    assert text(web, url.replace("/export/", "/")).count("/people/export/") == 1
    Role.objects.create(key="reader", name="reader", rights={"contact": {"view": "all"}}, areas={})
    reader = users.create("reader@nuriwork.example", "이", "a-long-enough-one", "reader", actor=SYSTEM)
    other = Client(headers={"accept-language": "en"})
    other.force_login(reader)
    assert other.get(url).status_code == 403
    assert "/people/export/" not in text(other, url.replace("/export/", "/"))
    assert Client().get("/model/").status_code == 302


def test_a_rate_is_tried_in_the_address(web: Client, november: None) -> None:
    html = text(web, "/model/?mql=90")
    assert "CVR of MQL" in html
    assert 'value="90"' in html
    assert 'href="/model/people/' not in html  # nobody has walked that way
    part = web.get("/model/?lead=59&mql=90&month=2026-11", headers={"HX-Request": "true", "HX-Target": "form#model"})
    assert "<html" not in part.content.decode()
    assert part["HX-Replace-Url"] == "/model/?mql=90"  # 24 of 41 leads is 59 %: nothing is tried there
    assert web.get("/model/?mql=900&span=ages&month=13&owner=%00&cost=-1&source=nothing").status_code == 200


def test_small_numbers_say_so(web: Client, november: None) -> None:
    assert "small number" in text(web, "/model/channels/")
    html = text(web, "/model/?source=webinar")
    assert "Not enough data" in html


def test_periods_sources_and_owners(web: Client, november: None, oh: User) -> None:
    def count(query: str, stage: str = "lead") -> int:
        return next((n for url, n in links(text(web, f"/model/?{query}")).items() if f"stage={stage}&what=in&" in url), 0)

    assert (count(""), count("span=quarter"), count("span=year"), count("month=2026-10"), count("month=2026-09", "mql")) == (41, 41, 41, 0, 5)
    assert (count("source=webinar"), count("source=-"), count(f"owner={oh.pk}"), count("owner=-")) == (19, 13, 13, 28)
    cohorts = text(web, "/model/cohorts/")
    assert "Nov 2026" in cohorts
    assert "41" in cohorts


def test_a_changed_rule_is_marked_and_its_versions_are_kept(web: Client, november: None, oh: User) -> None:
    stages.define("mql", actor=Actor("user", oh.pk), rule={"mode": "people", "reason": "Sales asks for it"})
    for place in ("", "trend/"):
        assert "the rule of MQL was changed (오세린)" in text(web, f"/model/{place}")
    sheet = text(web, "/model/stages/")
    assert "Sales asks for it" in sheet
    assert "Inside sales" in sheet
    assert "오세린" in sheet
    assert re.search(r"Version</dt><dd class=\"num\">2", sheet)


def test_what_the_life_cycle_books_is_on_the_board(web: Client, oh: User) -> None:
    actor = Actor("user", oh.pk)
    one, other = (records.create("contact", {"lifecyclestage": "lead", "lastname": name}, actor=actor, source="page") for name in ("김", "이"))
    records.update("contact", one, {"lifecyclestage": "nurturing"}, actor=actor, source="page")
    stages.move([other], "deadend", actor=actor, source="page", reason="Student")
    today = periods.of()
    url = f"/model/people/?stage=lead&what=out&from={today.first}&to={today.until}"
    html = text(web, url)
    assert listed(web, url) == 2
    assert "Student" in html
    records.archive("contact", other, actor=actor)
    assert "stage=deadend&what=out_rest" in text(web, "/model/")


def test_an_address_that_names_nothing(web: Client, account: object) -> None:
    assert "Nobody has come into a stage yet" in text(web, "/model/")
    text(web, "/model/people/?stage=nothing&what=in&from=2026-11-01&to=2026-12-01", 404)
    text(web, "/model/people/?stage=lead&what=nothing&from=2026-11-01&to=2026-12-01", 404)
    text(web, "/model/people/?stage=lead&what=in&from=2026-12-01&to=2026-11-01", 422)
    text(web, "/model/people/?stage=lead&what=in&from=2026-11-01&to=2026-12-01&after=nonsense", 404)
