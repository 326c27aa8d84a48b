"""Fills the browser tests' database: four colleagues, forty companies, some hundred contacts, one of them with a story. Run as a program.

Prints the keys of the colleagues' sessions by name.
"""

import json
import random
from datetime import datetime, timedelta

from baton.platform import setup


def main() -> None:
    setup.django("test")
    from django.db import transaction

    from baton.cli.migrate import migrate

    migrate(quiet=True)
    with transaction.atomic():
        fill()
        print(json.dumps(sessions()))


def sessions() -> dict[str, str]:
    """A session of each colleague, as signing in makes one."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from baton.accounts.models import User

    found = {}
    for user in User.objects.filter(email__endswith="@nuriwork.example"):
        session = SessionStore()
        session.update({SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0], HASH_SESSION_KEY: user.get_session_auth_hash()})
        session.create()
        found[user.email.partition("@")[0]] = session.session_key or ""
    return found


GIVEN = ["민준", "서연", "도윤", "하준", "서윤", "예준", "지민", "주원", "수아", "시우", "하은", "지호", "채원", "건우", "다은"]
FAMILY = "김이박최정강조윤장임한오신권황"
TITLES = ["대표이사", "인사팀장", "총무팀장", "경영기획팀장", "재무팀장", "채용 담당", "매니저", "차장"]
STAGES = ["subscriber", "lead", "lead", "mql", "sql", "opportunity", "customer", "recycle_a"]


def fill() -> None:
    """Deterministic; every number a test relies on is made here."""
    from baton.accounts import users
    from baton.crm import associations, consent, records
    from baton.messaging import coupons
    from baton.platform import clock, sql
    from baton.platform.actor import SYSTEM
    from baton.segments import cards, presets

    users.update_account(actor=SYSTEM, name="누리워크")
    colleagues = [
        users.create(f"{key}@nuriwork.example", name, "baton-demo", role, actor=SYSTEM)
        for key, name, role in (("oh", "오세린", "marketing"), ("han", "한도윤", "sales"), ("admin", "문가영", "admin"), ("viewer", "류태경", "viewer"))
    ]
    rng, now = random.Random(7), clock.now()
    companies = []
    for number in range(40):
        values = {"name": f"{rng.choice(['가온', '누보', '다온', '라온', '마루'])}{rng.choice(['물류', '정밀', '소프트'])} {number}"}
        industry = rng.choice(["logistics", "it", "construction"])
        companies.append(
            records.create("company", {**values, "industry": industry, "numberofemployees": rng.choice([30, 120, 340])}, actor=SYSTEM, source="import")
        )
    gaon = records.create(
        "company", {"name": "가온로지스", "industry": "logistics", "numberofemployees": 340, "domain": "gaonlogis.example"}, actor=SYSTEM, source="import"
    )
    model = cards.create(presets.blank("리드 스코어링"), key="lead", actor=SYSTEM)
    story = _contact(
        "서", "지우", "jiwoo.seo@gaonlogis.example", "인사팀장", "sql", colleagues[1].pk, mobilephone="010-4827-1935", seniority="head", lead_source="webinar"
    )
    associations.link("contact", story, "company", gaon, actor=SYSTEM)
    scored = {story: 58}
    for number in range(240):
        family, given = rng.choice(FAMILY), rng.choice(GIVEN)
        owner = rng.choice(colleagues[:2]).pk if rng.random() < 0.7 else None
        made = _contact(
            family,
            given,
            f"p{number}@co{number % 40}.example",
            rng.choice(TITLES),
            rng.choice(STAGES),
            owner,
            lead_source=rng.choice(["search", "webinar", "direct"]),
        )
        associations.link("contact", made, "company", companies[number % 40], actor=SYSTEM)
        scored[made] = rng.choice([-5, 2, 12, 36, 44, 66, 90])
    agreed = [id for id in scored if rng.random() < 0.5]
    consent.set(agreed, "email", True, actor=SYSTEM, source="form:1", wording="마케팅 정보 수신에 동의합니다.")
    seen = [now - timedelta(minutes=7 if id == story else rng.randint(20, 30_000)) for id in scored]
    sql.run("INSERT INTO visitor SELECT r.id, r.at, r.at, '', '', '' FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at)", [list(scored), seen])
    sql.run(
        "INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at)"
        " SELECT r.id, %s, r.total, r.total / 3, r.total - r.total / 3, '{}', r.at FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS r(id, total, at)"
        " ON CONFLICT DO NOTHING",
        [model.pk, list(scored), list(scored.values()), seen],
    )
    _story(story, model.pk, colleagues[1].pk)
    coupons.create("welcome", "새 고객 환영 할인", SYSTEM, ["WELCOME-7KQM", "WELCOME-X4TB", "WELCOME-9RHA"])
    held = coupons.given(["welcome"], [id for id in scored if id != story][:2])
    coupons.redeem("welcome", next(iter(held.values()))["welcome"], SYSTEM)
    _offer(companies[0], colleagues[1].pk)
    _backtest(model.pk)
    _lists(colleagues[0].pk)
    _content(colleagues[0].pk)
    _workflow(story, colleagues[0].pk)


def _content(maker: int) -> None:
    """A paper behind the form, a page without a topic, a landing page that is public, and a QR code that was used."""
    from baton.content import assets, links, pages, starters
    from baton.content.models import ShortLinkDay
    from baton.forms import verbs as forms
    from baton.platform import clock
    from baton.platform.actor import Actor

    actor = Actor("user", maker)
    asked = [{"name": "email", "label": "회사 이메일", "type": "email", "required": True}, {"name": "lastname", "label": "성", "type": "text"}]
    form = forms.create("백서 받기", {"fields": asked, "language": "ko", "spam": {"seconds": 0}}, actor=actor, publish=True)
    paper = assets.create("file", "교대 근무 백서", actor=actor, stage="middle", topics=["근태"], form_id=form.pk, description="교대 근무표를 짜는 순서")
    assets.set_file(paper, "교대근무.pdf", b"%PDF-1.7 paper", actor=actor)
    story = assets.create("page", "도입 사례", actor=actor, stage="late", gate="never", url="https://nuriwork.example/case")
    for asset in (paper, story):
        assets.publish(asset, actor=actor)
    page = pages.create("근태 안내", actor=actor, slug="guide", stage="early", content=starters.content("product", "ko", form=form.pk, asset=paper.pk))
    pages.publish(page, actor=actor)
    link = links.create("박람회 부스", "https://nuriwork.example/", actor=actor, code="booth", medium="qr", place="HR 박람회")
    ShortLinkDay.objects.create(link_id=link.pk, day=clock.now().date(), people=12, machines=2)


def _lists(maker: int) -> None:
    """An active list whose filter has groups within groups, and a fixed one with people put in by hand."""
    from baton.platform import sql
    from baton.platform.actor import Actor
    from baton.segments import refresh, verbs

    def asks(name: str, operator: str, value: object) -> dict[str, object]:
        return {"condition": "property", "property": name, "operator": operator, "value": value}

    stages = asks("lifecyclestage", "any_of", ["mql", "sql"])
    seen = {"condition": "page_viewed", "address": "/pricing", "match": "contains", "at_least": 2, "days": 30}
    large = {"related": "company", "filter": {"all": [asks("numberofemployees", "at_least", 100)]}}
    active = verbs.create_segment("가격을 본 유망 리드", {"all": [stages, {"any": [seen, large]}]}, "active", Actor("user", maker))
    refresh.everyone(active)
    fixed = verbs.create_segment("웨비나 참석자", stages, "fixed", Actor("user", maker))
    refresh.everyone(fixed)
    sql.run("DELETE FROM event WHERE kind = 22")  # the timeline of the story stays as its tests tell it


def _workflow(story: int, maker: int) -> None:
    """A workflow with a person inside, a second version and a draft: there is something to compare, to move and to explain."""
    from baton.automation import enroll, verbs
    from baton.platform.actor import Actor

    actor = Actor("user", maker)
    known = {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec", "head"]}
    ways = [{"label": "yes", "steps": [{"id": "s3", "type": "notify", "to": "owner", "title": "확인"}]}, {"label": "no", "steps": []}]
    branch = {"id": "s2", "type": "branch", "filter": {"all": [known, {"not": {**known, "value": ["staff"]}}]}, "paths": ways}
    trigger = {"id": "t", "type": "form_submitted", "form": None}
    workflow = verbs.create("가온 후속", actor, {"triggers": [trigger], "steps": [branch, {"id": "s1", "type": "wait", "days": 3}]})
    verbs.publish(workflow, actor, "첫 게시")
    enroll.enroll(workflow, [story], "hand:1", actor)
    verbs.save_draft(workflow, {"triggers": [trigger], "settings": {"again": "never"}, "steps": [branch, {"id": "s1", "type": "wait", "days": 5}]}, actor)
    verbs.publish(workflow, actor, "이틀 더 기다립니다")
    verbs.save_draft(workflow, {"triggers": [trigger], "settings": {"again": "never", "audience": known}, "steps": [branch]}, actor)


def _backtest(model_id: int) -> None:
    """A back-test of the score that has ended: of people who are not in this database, since only counts are kept."""
    from baton.platform import clock
    from baton.segments import backtest, cards, catalog, filter
    from baton.segments.models import Backtest, ScoreModel
    from baton.segments.outcomes import Outcome

    model, rng, now = ScoreModel.objects.get(pk=model_id), random.Random(3), clock.now()
    version = model.versions.filter(state="published").first()
    if version is None:
        return
    card = cards.current(model)
    keys = [rule.key for rule in card.rules]
    scored = []
    for number in range(160):
        points = rng.randint(10, 110)
        held = {key: [1, 5] for key in keys if rng.random() < 0.4}
        scored.append(backtest.Scored(Outcome(number, "won" if rng.random() < points / 130 else "lost", now), points, held))
    known = catalog.current()
    result = backtest.summary(card, {rule.key: filter.parse(rule.filter, known) for rule in card.rules}, scored)
    seen = {"condition": "page_viewed", "address": "nuriwork.example/cases", "match": "is", "days": 180}
    rule = {"key": "won_page_cases", "group": card.groups[0].key, "kind": "state", "filter": seen, "points": 10, "explicit": False}
    result["candidates"] = [{"rule": rule, "good": 50, "bad": 20, "lift": [1.6, 1.3, 1.9]}]
    Backtest.objects.create(
        model=model, version=version.number, content=version.content, state="done", done=160, total=160, result=result, created_by="system", created_at=now
    )


def _offer(company: int, owner: int) -> None:
    """A deal with a quote of one line, a ticket and a product: one record of every kind that has a page."""
    from baton.crm import associations, records
    from baton.platform.actor import SYSTEM

    def made(object_type: str, owner_id: int | None = None, **values: object) -> int:
        return records.create(object_type, values, actor=SYSTEM, source="import", owner_id=owner_id)

    deal = made("deal", owner, dealname="근태 도입", amount=12_000_000, dealstage="presentationscheduled")
    made("ticket", owner, subject="출입 기록 연동 문의", ticket_stage="1", priority="high")
    made("product", name="근태", price=12_000)
    quote = made("quote", owner, title="근태 도입 견적")
    line = made("line_item", name="근태 · 340명", quantity=340, price=12_000)
    associations.link("deal", deal, "company", company, actor=SYSTEM)
    associations.link("quote", quote, "deal", deal, actor=SYSTEM)
    associations.link("quote", quote, "line_item", line, actor=SYSTEM)


def _contact(family: str, given: str, email: str, title: str, stage: str, owner: int | None, **more: str) -> int:
    from baton.crm import records
    from baton.platform.actor import SYSTEM

    values = {"lastname": family, "firstname": given, "email": email, "jobtitle": title, "lifecyclestage": stage, **more}
    return records.create("contact", values, actor=SYSTEM, source="import", owner_id=owner)


def _story(contact: int, model: int, owner: int) -> None:
    """Anonymous views, a form, a mail, a call: what the record's timeline shows."""
    from baton.events import record
    from baton.events.record import NewEvent
    from baton.events.vocabulary import Kind
    from baton.platform import clock

    now = clock.now()
    pricing, mail = ("nuriwork.example/pricing", "요금 안내"), ("1", "도입 사례: 340명 물류사의 인사 시스템 전환")

    def at(days: float) -> datetime:
        return now - timedelta(days=days)

    rows = [
        NewEvent(contact, Kind.PAGE_VIEW, at(20), key_value=pricing[0], key_label=pricing[1], payload={"url": f"https://{pricing[0]}"}, id=100),
        NewEvent(contact, Kind.PAGE_DWELL, at(20), key_value=pricing[0], key_label=pricing[1], value=134, id=101),
        NewEvent(contact, Kind.FORM_SUBMISSION, at(15), key_value="1", key_label="상담 문의", payload={"page": "nuriwork.example/contact"}),
        NewEvent(contact, Kind.SCORE_CHANGED, at(14.9999), key_value=str(model), value=50, payload={"total": 50}),
        NewEvent(contact, Kind.IDENTIFIED, at(14.999), value=6, payload={"by": "form", "views": 6}),
        NewEvent(contact, Kind.STAGE_CHANGED, at(3), key_value="sql", payload={"from": "mql", "to": "sql", "cause": "score"}),
        NewEvent(contact, Kind.EMAIL_SENT, at(2), key_value=mail[0], key_label=mail[1]),
        NewEvent(contact, Kind.EMAIL_OPEN, at(1.5), key_value=mail[0], key_label=mail[1]),
        NewEvent(contact, Kind.EMAIL_CLICK, at(1.4), key_value=mail[0], key_label=mail[1], payload={"url": "https://nuriwork.example/case"}),
        NewEvent(contact, Kind.CALL, at(1), payload={"text": "내년 1월 근태 시스템 계약 만료.", "actor": f"user:{owner}"}),
        NewEvent(contact, Kind.PAGE_VIEW, at(0.005), key_value=pricing[0], key_label=pricing[1], payload={"url": f"https://{pricing[0]}"}),
    ]
    record.add(rows, announce=False)
    _form(contact, now)


def _form(contact: int, now: datetime) -> None:
    """The form he sent, which others saw and left; it is number 1, as his story says."""
    from baton.events import record
    from baton.events.record import NewEvent
    from baton.events.vocabulary import Kind
    from baton.forms import verbs
    from baton.forms.models import FormSubmission
    from baton.platform.actor import SYSTEM
    from baton.web.parts import form_presets

    form = verbs.create("상담 문의", form_presets.make("contact", "ko")[1], actor=SYSTEM, publish=True)
    answers = {"lastname": "서", "firstname": "지우", "email": "jiwoo.seo@gaonlogis.example", "message": "340명이 쓸 근태 시스템을 찾고 있습니다."}
    FormSubmission.objects.create(contact_id=contact, id=1, form_id=form.pk, version=1, values=answers, page_url="https://nuriwork.example/contact", at=now)
    seen = [(contact + n, kind) for n in range(1, 41) for kind in (Kind.FORM_VIEW, Kind.FORM_START, Kind.FORM_ABANDON)[: 1 + n % 3]]
    payload = {"page": "https://nuriwork.example/contact", "version": "1", "field": "phone"}
    record.add([NewEvent(id, kind, now - timedelta(hours=id % 90), str(form.pk), form.name, payload=payload) for id, kind in seen], announce=False)


if __name__ == "__main__":
    main()
