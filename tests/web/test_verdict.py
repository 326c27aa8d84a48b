"""The verdict of sales wherever a lead is shown: the record, the queue, the alert; the recycle desk; the settings."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import users
from baton.accounts.models import Role, User
from baton.crm import records, stages
from baton.messaging.colleagues import alerts
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.segments import handover, scoring, verdicts
from baton.segments.models import Pause, ScoreModel
from tests.segments import scores

pytestmark = pytest.mark.django_db


@pytest.fixture
def han(account: object) -> User:
    return users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM)


@pytest.fixture
def desk(han: User) -> Client:
    web = Client(headers={"accept-language": "en"})
    web.force_login(han)
    return web


@pytest.fixture
def model() -> ScoreModel:
    model = scores.create("리드 점수")
    scores.define(model, "it", "web", {"condition": "property", "property": "industry", "operator": "any_of", "value": ["it"]}, 70)
    return model


def an_sql(model: ScoreModel, **more: object) -> int:
    given = {"lastname": "서", "firstname": "지우", "company": "가온", "industry": "it", "lifecyclestage": "sql", "email": "jiwoo@gaon.example", **more}
    id = records.create("contact", given, actor=SYSTEM, source="test")
    scoring.some([id], models=[model.pk])
    return id


def stage(id: int) -> str:
    return str(records.get("contact", id).properties.get("lifecyclestage"))


def part(web: Client, url: str, target: str) -> str:
    return web.get(url, headers={"HX-Request": "true", "HX-Target": f"div#{target}"}).content.decode()


def test_a_verdict_on_the_record_and_back(desk: Client, han: User, model: ScoreModel) -> None:
    id = an_sql(model, owner_id=han.pk)
    page = desk.get(f"/contacts/{id}/").content.decode()
    assert "A true SQL?" in page
    assert f"/contacts/{id}/verdict/?give=not_ready" in page
    form = desk.get(f"/contacts/{id}/verdict/?give=not_ready").content.decode()
    assert 'value="not_ready" checked' in form
    assert "Points 70 → 64, back to MQL." in form
    answer = desk.post(f"/contacts/{id}/verdict/", {"verdict": "not_ready", "reason": "예산이 없음"})
    assert answer.status_code == 200
    assert "verdict-changed" in answer["HX-Trigger"]
    assert f"/contacts/{id}/verdict/back/" in answer["HX-Trigger"]
    assert stage(id) == "mql"
    panel = desk.get(f"/contacts/{id}/verdict/panel/").content.decode()
    assert "Not ready" in panel
    assert "예산이 없음" in panel
    assert 'hx-target="#scorecard"' in panel
    assert desk.post(f"/contacts/{id}/verdict/back/").status_code == 200
    assert stage(id) == "sql"
    assert desk.post(f"/contacts/{id}/verdict/back/").status_code == 409


def test_a_pause_is_asked_for_with_its_fields_and_faults_stand_beside_them(desk: Client, han: User, model: ScoreModel) -> None:
    id = an_sql(model, owner_id=han.pk)
    sent = {"verdict": "paused", "reason": "내년 예산", "into": "recycle_b"}
    refused = desk.post(f"/contacts/{id}/verdict/", {**sent, "until": "2020-01-01"})
    assert refused.status_code == 422
    assert "Choose a day ahead" in refused.content.decode()
    assert desk.post(f"/contacts/{id}/verdict/", {**sent, "until": "x"}).status_code == 422
    day = (clock.now() + timedelta(days=90)).date().isoformat()
    wake = '{"all": [{"condition": "page_viewed", "address": "/pricing", "match": "is", "at_least": 2, "days": 14}]}'
    assert desk.post(f"/contacts/{id}/verdict/", {**sent, "until": day, "wake": wake}).status_code == 200
    pause = Pause.objects.get(contact_id=id)
    assert pause.wake
    assert stage(id) == "recycle_b"
    shown = desk.get("/recycle/").content.decode()
    assert "내년 예산" in shown
    assert "days left" in shown
    assert "/pricing" in shown
    assert "서지우" not in part(desk, "/recycle/?box=recycle_a", "recycle").split("Came back")[0]
    later = (clock.now() + timedelta(days=120)).date().isoformat()
    assert desk.post(f"/contacts/{id}/pause/", {"until": later}).status_code == 200
    assert Pause.objects.get(contact_id=id).until > pause.until
    assert desk.post(f"/contacts/{id}/pause/", {"until": "2020-01-01"}).status_code == 422
    assert desk.post(f"/contacts/{id}/pause/", {"reason": "전화 옴"}).status_code == 200
    assert stage(id) == "nurturing"
    assert "서지우" in desk.get("/recycle/").content.decode().split("Came back")[1]
    assert desk.post(f"/contacts/{id}/pause/").status_code == 404


def test_a_dead_end_asks_why_and_only_an_administrator_reopens_it(desk: Client, han: User, model: ScoreModel) -> None:
    id = an_sql(model, owner_id=han.pk)
    assert desk.post(f"/contacts/{id}/deadend/", {}).status_code == 422
    assert desk.post(f"/contacts/{id}/deadend/", {"reason": "학생"}).status_code == 200
    assert stage(id) == "deadend"
    assert "Dead end: no marketing" in desk.get(f"/contacts/{id}/").content.decode()
    assert desk.post(f"/contacts/{id}/verdict/", {"verdict": "ready"}).status_code == 409
    assert desk.post(f"/contacts/{id}/reopen/", {"reason": "입사", "into": "lead"}).status_code == 403
    boss = users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(boss)
    assert web.post(f"/contacts/{id}/reopen/", {"reason": "", "into": "lead"}).status_code == 422
    assert web.post(f"/contacts/{id}/reopen/", {"reason": "입사", "into": "lead"}).status_code == 200
    assert stage(id) == "lead"


def test_the_queue_shows_who_waits_with_reasons_and_filters(desk: Client, han: User, model: ScoreModel, held: None) -> None:
    mine = an_sql(model, owner_id=han.pk)
    other = an_sql(model, email="b@gaon.example", firstname="하늘", industry="")
    page = desk.get("/handover/").content.decode()
    assert page.index("서지우") < page.index("서하늘")
    assert "+70" in page
    assert "nobody has been in touch" in page
    assert "not reviewed by sales" in page
    only = part(desk, "/handover/?owner=me", "handover")
    assert "서지우" in only
    assert "서하늘" not in only
    assert "<html" not in only
    assert "서지우" not in part(desk, "/handover/?band=short", "handover")
    assert "서하늘" in part(desk, "/handover/?band=short", "handover")
    verdicts.give(mine, "unqualified", actor=Actor("user", han.pk))
    assert "서지우" not in part(desk, "/handover/", "handover")
    single = desk.get(f"/handover/{other}/").content.decode()
    assert "A true SQL?" in single
    few = queries(desk)
    for number in range(8):
        an_sql(model, email=f"p{number}@gaon.example", owner_id=han.pk)
    assert queries(desk) <= few + 1  # the sentences of rules, once there are some


def queries(web: Client) -> int:
    with CaptureQueriesContext(connection) as found:
        web.get("/handover/")
    return len(found)


def test_the_alert_has_the_buttons_while_nobody_has_answered(desk: Client, han: User, model: ScoreModel) -> None:
    id = an_sql(model, owner_id=han.pk)
    assert alerts.became_sql([id]) == 1
    shown = desk.get("/notifications/").content.decode()
    assert f"/contacts/{id}/verdict/?give=ready" in shown
    assert f'href="/handover/{id}/"' in shown
    verdicts.give(id, "ready", actor=Actor("user", han.pk))
    assert f"/contacts/{id}/verdict/?give=ready" not in desk.get("/notifications/").content.decode()


def test_the_alert_goes_by_mail_too_unless_the_account_says_no(han: User, model: ScoreModel, mailoutbox: list[object]) -> None:
    from baton.messaging.colleagues import mailed
    from baton.messaging.models import Notification

    id = an_sql(model, owner_id=han.pk)
    alerts.became_sql([id])
    notice = Notification.objects.get()
    mailed.notice(notification_id=notice.pk)
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([han.email], notice.title)  # type: ignore[attr-defined]  # Django's mail
    assert f"/handover/{id}/" in mail.body  # type: ignore[attr-defined]
    notice.read_at = clock.now()
    notice.save()
    mailed.notice(notification_id=notice.pk)
    assert len(mailoutbox) == 1
    handover.change({"alert": False}, actor=SYSTEM)
    assert alerts.became_sql([an_sql(model, email="b@gaon.example", owner_id=han.pk)]) == 0


def test_nobodys_lead_is_told_to_those_in_sales_who_may_see_it(han: User, model: ScoreModel) -> None:
    id = an_sql(model)
    role, _made = Role.objects.update_or_create(key="sales", defaults={"name": "", "rights": {"*": {"view": "own"}}, "areas": {}})
    assert alerts.became_sql([id]) == 0
    role.rights = {"*": {"view": "team"}}
    role.save()
    assert alerts.became_sql([id]) == 1


def test_who_may_only_look_sees_no_buttons(model: ScoreModel, han: User) -> None:
    id = an_sql(model, owner_id=han.pk)
    viewer = users.create("viewer@nuriwork.example", "열람", "a-long-enough-one", "viewer", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(viewer)
    assert "?give=" not in web.get(f"/contacts/{id}/").content.decode()
    assert "?give=" not in web.get("/handover/").content.decode()
    assert web.post(f"/contacts/{id}/verdict/", {"verdict": "ready"}).status_code == 403
    assert stages.get("sql").key == stage(id)


def test_the_settings_keep_what_differs_and_refuse_what_is_no_number(han: User) -> None:
    boss = users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", "admin", actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(boss)
    assert 'name="visits" value="3"' in web.get("/settings/handover/").content.decode()
    sent = {"alert": "on", "touches": "3", "days": "5", "visits": "4", "visit_days": "30"}
    assert web.post("/settings/handover/", sent).status_code == 200
    found = handover.settings()
    assert (found.alert, found.mail, found.touches, found.days, found.visits, found.visit_days) == (True, False, 3, 5, 4, 30)
    assert users.account().handover == {"mail": False, "touches": 3, "days": 5, "visits": 4, "visit_days": 30}
    refused = web.post("/settings/handover/", {**sent, "visits": "0", "days": "x"})
    assert refused.status_code == 422
    assert refused.content.decode().count("A whole number from") == 2
