"""Deals and tickets on a board: sums by stage, ageing, service level, moving a card, and what a stage asks for."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import associations, pipelines, records
from baton.platform import clock
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def han(account: object) -> User:
    return users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM, language="en")


@pytest.fixture
def board(client: Client, han: User) -> Client:
    client.force_login(han)
    return client


def deal(name: str, stage: str = "appointmentscheduled", **values: object) -> int:
    return records.create("deal", {"dealname": name, "dealstage": stage, **values}, actor=SYSTEM, source="page")


def lanes(client: Client, url: str = "/deals/?layout=board") -> dict[str, str]:
    """Stage -> the HTML of its lane."""
    page = client.get(url).content.decode()
    return {part.partition('"')[0]: part for part in page.split('data-stage="')[1:]}


def test_each_stage_has_its_deals_and_sums(board: Client, han: User) -> None:
    company = records.create("company", {"name": "한빛테크"}, actor=SYSTEM, source="page")
    first = deal("누리워크 도입", amount=30_000_000, owner_id=han.pk)
    associations.link("deal", first, "company", company, actor=SYSTEM)
    deal("교육", amount=10_000_000)
    deal("계약", "contractsent", amount=20_000_000)
    found = lanes(board)
    assert list(found) == [stage.key for stage in pipelines.stages("deal")["default"]]
    assert all(text in found["appointmentscheduled"] for text in ("누리워크 도입", "한빛테크", "교육", "40M", "20% · 8M"))
    assert "계약" in found["contractsent"]
    assert "계약" not in found["appointmentscheduled"]
    page = board.get("/deals/?layout=board").content.decode()
    assert "₩60,000,000" in page
    assert "₩26,000,000" in page  # 40 M at 20 % and 20 M at 90 %


def test_a_card_moves_and_moves_back(board: Client) -> None:
    id = deal("누리워크 도입", amount=1000)
    answer = board.post(f"/board/deal/{id}/move/", {"stage": "closedwon"})
    told = json.loads(answer["HX-Trigger"])
    assert told["records-changed"]
    assert told["toast"]["undo"]["values"]["stage"] == "appointmentscheduled"
    assert records.get("deal", id).properties["dealstage"] == "closedwon"
    board.post(told["toast"]["undo"]["url"], told["toast"]["undo"]["values"])
    assert records.get("deal", id).properties["dealstage"] == "appointmentscheduled"


def test_a_stage_asks_for_what_it_needs(board: Client) -> None:
    pipelines.change_stage("deal", "default", "closedlost", actor=SYSTEM, required=["closed_lost_reason"])
    id = deal("누리워크 도입")
    answer = board.post(f"/board/deal/{id}/move/", {"stage": "closedlost"})
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#dialog")
    assert 'name="closed_lost_reason"' in answer.content.decode()
    assert records.get("deal", id).properties["dealstage"] == "appointmentscheduled"
    again = board.post(f"/board/deal/{id}/move/", {"stage": "closedlost", "pipeline": "default", "closed_lost_reason": ""})
    assert again.status_code == 422
    assert 'role="alert"' in again.content.decode()
    board.post(f"/board/deal/{id}/move/", {"stage": "closedlost", "pipeline": "default", "closed_lost_reason": "가격"})
    assert records.get("deal", id).properties["closed_lost_reason"] == "가격"


def test_ageing_deals_and_late_tickets_stand_out(board: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    deal("오래된 거래")
    records.create("ticket", {"subject": "로그인이 되지 않음", "priority": "urgent"}, actor=SYSTEM, source="page")
    now = clock.now()
    assert "late" not in lanes(board)["appointmentscheduled"]
    assert "4 h left" in lanes(board, "/tickets/?layout=board")["1"]
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=15))
    assert "day 15" in lanes(board)["appointmentscheduled"]
    assert 'class="deal late"' in lanes(board)["appointmentscheduled"]
    assert "356 h over" in lanes(board, "/tickets/?layout=board")["1"]


def test_a_lane_shows_its_first_cards_and_leads_to_the_others(board: Client) -> None:
    for number in range(30):
        deal(f"거래 {number:02}")
    lane = lanes(board)["appointmentscheduled"]
    assert lane.count('class="deal"') == 25
    assert "5 more in the table" in lane
    link = lane.partition('class="more" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert board.get(link).content.decode().count('<tr id="r') == 30


def test_the_number_of_queries_does_not_grow_with_the_cards(board: Client, django_assert_max_num_queries: object) -> None:
    lanes(board)
    company = records.create("company", {"name": "한빛테크"}, actor=SYSTEM, source="page")
    for number in range(20):
        associations.link("deal", deal(f"거래 {number}"), "company", company, actor=SYSTEM)
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        assert "거래 19" in lanes(board)["appointmentscheduled"]


def test_who_may_not_change_a_deal_does_not_move_it(board: Client, client: Client) -> None:
    id = deal("누리워크 도입")
    viewer = users.create("kim@nuriwork.example", "김보기", "a-long-enough-one", "viewer", actor=SYSTEM)
    client.force_login(viewer)
    assert "data-movable" not in lanes(client)["appointmentscheduled"]
    assert client.post(f"/board/deal/{id}/move/", {"stage": "closedwon"}).status_code == 403
    assert records.get("deal", id).properties["dealstage"] == "appointmentscheduled"


@pytest.mark.parametrize(("url", "status"), [("/board/deal/999999/move/", 404), ("/board/company/1/move/", 404), ("/board/spaceship/1/move/", 404)])
def test_what_is_not_there_cannot_be_moved(board: Client, url: str, status: int) -> None:
    assert board.post(url, {"stage": "closedwon"}).status_code == status
