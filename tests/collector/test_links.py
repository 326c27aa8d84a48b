"""Short links: where they lead, who is counted, and that nobody is made up by a click."""

from baton.content import links
from baton.content.models import ShortLinkDay
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import SYSTEM
from tests.collector.running import COOKIE, Running, events, view, wait_for

PERSON = {"accept": "text/html", "accept-language": "ko-KR", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1"}


def counted(link: int) -> tuple[int, int]:
    return next(iter(ShortLinkDay.objects.filter(link_id=link).values_list("people", "machines")), (0, 0))


def test_a_link_leads_on_with_its_campaign_and_counts_people_and_machines(collector: Running) -> None:
    booth = links.create("부스 QR", "https://www.nuriwork.example/데모?utm_campaign=own#표", actor=SYSTEM, medium="qr", place="2026 HR 박람회", code="hr-2026")
    answer = collector.get("/l/HR-2026", headers=PERSON)
    assert answer.status_code == 302
    assert answer.headers["location"] == (
        "https://www.nuriwork.example/%EB%8D%B0%EB%AA%A8?utm_campaign=own&utm_source=2026+HR+%EB%B0%95%EB%9E%8C%ED%9A%8C&utm_medium=qr#%ED%91%9C"
    )
    assert "no-store" in answer.headers["cache-control"]
    collector.get("/l/hr-2026/", headers=PERSON)
    collector.head("/l/hr-2026")
    collector.get("/l/hr-2026", headers={"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"})
    wait_for(lambda: counted(booth.pk) == (2, 2))
    assert links.used([booth.pk])[booth.pk] == (2, 2)
    assert events() == []
    assert sql.rows("SELECT count(*) FROM identity WHERE kind = 'cookie'") == [(0,)]


def test_whoever_is_somebody_already_gets_the_click_in_his_story(collector: Running) -> None:
    link = links.create("뉴스레터 링크", "https://www.nuriwork.example/", actor=SYSTEM)
    collector.get(f"/l/{link.code}", headers={**PERSON, "cookie": f"a=b; baton_v={COOKIE}"})  # nobody has seen this cookie
    collector.hits(view(), cookie=COOKIE)
    collector.get(f"/l/{link.code}", headers={**PERSON, "cookie": f"a=b; baton_v={COOKIE}"})
    wait_for(lambda: any(event[1] == Kind.LINK_CLICK for event in events()))
    (event,) = [event for event in events() if event[1] == Kind.LINK_CLICK]
    assert event[2] == str(link.pk)
    (payload,) = sql.rows(
        "SELECT payload ->> 'medium', (payload ->> 'human')::float > 0.9, payload ? 'machine' FROM event WHERE kind = %s", [int(Kind.LINK_CLICK)]
    )
    assert payload == ("link", True, False)
    wait_for(lambda: counted(link.pk) == (2, 0))


def test_a_link_that_is_unknown_or_switched_off_leads_nowhere(collector: Running) -> None:
    link = links.create("끝난 행사", "https://www.nuriwork.example/", actor=SYSTEM)
    links.switch(link, False, actor=SYSTEM)
    assert collector.get(f"/l/{link.code}").status_code == 404
    assert collector.get("/l/nothing").status_code == 404
    assert collector.get("/l/%00").status_code == 404
    assert collector.get("/l/" + "a" * 5_000).status_code == 404
    assert list(collector.app.links._known) == [link.code, "nothing"]  # what can be no code is not remembered
    links.switch(link, True, actor=SYSTEM)
    collector.app.links._known.clear()
    assert collector.get(f"/l/{link.code}", headers={"user-agent": "Mozilla/5.0 Chrome/" + "1" * 5_000}).status_code == 302
    links.switch(link, False, actor=SYSTEM)
    assert collector.do(collector.http.post("/l/nothing")).status_code == 405
    wait_for(lambda: sum(counted(link.pk)) == 1)  # the one while it was on


def test_a_known_link_leads_on_while_the_database_is_away(collector: Running) -> None:
    link = links.create("안내", "https://www.nuriwork.example/", actor=SYSTEM)
    collector.get(f"/l/{link.code}", headers=PERSON)
    wait_for(lambda: counted(link.pk) == (1, 0))
    collector.app.links._known[link.code] = (collector.app.links._known[link.code][0], -1e9)  # remembered too long ago
    collector.cut()
    assert collector.get(f"/l/{link.code}", headers=PERSON).status_code == 302
    assert collector.get("/l/never-seen").status_code == 503
    collector.mend()
    collector.get(f"/l/{link.code}", headers=PERSON)
    wait_for(lambda: counted(link.pk) == (3, 0))
