"""Deals with whom sales works on, and what customers ask for."""

import random
from datetime import datetime, timedelta
from typing import Any

from baton.crm.models import Stage
from baton.crm.values import stamp
from baton.demo import offers, tables
from baton.demo.copying import as_json, update
from baton.demo.people import Person
from baton.demo.sample import Deal, Row, Sample
from baton.platform.config import config

SUBJECTS = ("휴가 잔여일이 다르게 보입니다", "계약서 서식을 추가하고 싶습니다", "출입 기록 연동 문의", "사용자 추가 요청")
NEXT_STEPS = ("견적 보내기", "보안 검토 자료 전달", "대표 보고 일정 확인", "계약서 초안 검토", "시연 후 의견 듣기")


def make(sample: Sample) -> None:
    """Deals for whom sales works on with what is offered to them, support tickets for customers."""
    offers.products(sample)
    probability = dict(Stage.objects.filter(pipeline__object_type="deal", pipeline__key="default").order_by("position").values_list("key", "probability"))
    tickets = []
    hero = sample.people[0]
    for person in sample.people:
        journey = sample.journeys[person.id]
        began = journey.at("opportunity") or (journey.at("sql") if journey.stage == "sql" or journey.at("recycle_b") else None)
        if began is None or (journey.stage == "sql" and person is not hero and sample.rng.random() > 0.25):
            continue
        if person.company is hero.company and person is not hero:
            continue  # there is one deal with her company: hers
        sample.deals.append(_deal(sample, person, min(began + timedelta(minutes=20), sample.now), probability))
        if journey.stage == "customer" and sample.rng.random() < 0.3:
            tickets.append(_ticket(sample, person, journey.moves[-1][0]))
    offered = offers.make(sample)
    for deal in sample.deals:
        about = deal.row.properties
        about |= {"probability": probability[deal.stage], "weighted_amount": about["amount"] * probability[deal.stage]}
    tables.records([deal.row for deal in sample.deals] + tickets + offered)
    _companies(sample)


def _deal(sample: Sample, person: Person, began: datetime, probability: dict[str, float]) -> Deal:
    rng, now, journey = sample.rng, sample.now, sample.journeys[person.id]
    order = [key for key in probability if not key.startswith("closed")]
    lost = journey.at("recycle_b")
    stage = "closedlost" if lost else "closedwon" if journey.stage == "customer" else rng.choice(order[1:] if journey.stage == "opportunity" else order[:2])
    seats = max(10, round(person.company.employees * rng.uniform(0.6, 1)))
    closed = (lost or journey.moves[-1][0]) if stage.startswith("closed") else now + timedelta(days=rng.randint(5, 90))
    about: dict[str, Any] = {
        "dealname": f"{person.company.name} {rng.choice(('근태', '전자계약', '근태 + 전자계약', '급여 마감'))}",
        "amount": round(seats * 6900 * 12, -5) or 100_000,
        "currency": "KRW",
        "closedate": closed.astimezone(config().zone).date().isoformat(),
        "pipeline": "default",
        "dealstage": stage,
        "owner_id": sample.setting.users[person.owner],
    }
    if person is sample.people[0]:
        seats = person.company.employees
        about |= {"dealname": "가온로지스 근태 + 전자계약", "amount": 38_400_000, "dealstage": order[1], "next_step": "전자결재 연동 자료 보내기"}
    elif not stage.startswith("closed") and rng.random() < 0.6:
        about["next_step"] = rng.choice(NEXT_STEPS)
    reached = closed if stage.startswith("closed") else max(began, now - timedelta(hours=rng.randint(3, 24 * 30)))
    about |= {"dealtype": "newbusiness", "stage_since": stamp(min(reached, now))}
    return Deal(
        person,
        Row(
            "deal", sample.number(), about, began, [("contact", person.id), ("company", person.company.id)], f"user:{about['owner_id']}",
            changed=min(reached, now),
        ),
        seats,
    )  # fmt: skip


def _ticket(sample: Sample, person: Person, at: datetime) -> Row:
    """What a customer asked for. Closed ones are old, open ones a matter of hours and days."""
    rng: random.Random = sample.rng
    subject, stage = rng.choice(SUBJECTS), rng.choice(("1", "3", "4"))
    since = at if stage == "4" else max(at, sample.now - timedelta(hours=rng.randint(1, 60)))
    about = {
        "subject": subject, "pipeline": "0", "ticket_stage": stage, "priority": rng.choice(("low", "medium", "high")), "stage_since": stamp(since),
        "owner_id": sample.setting.users[person.owner],
    } | ({"closed_at": stamp(since)} if stage == "4" else {})  # fmt: skip
    return Row("ticket", sample.number(), about, since, [("contact", person.id), ("company", person.company.id)], source="form")


def _companies(sample: Sample) -> None:
    """A company belongs to whoever has its newest deal; one that bought is a customer."""
    known: dict[int, dict[str, Any]] = {}
    for deal in sorted(sample.deals, key=lambda deal: deal.row.at):
        about = known.setdefault(deal.person.company.id, {"lifecyclestage": "opportunity"})
        about["owner_id"] = deal.owner
        if deal.stage == "closedwon":
            about["lifecyclestage"] = "customer"
    update(
        "record", "properties = t.properties || r.more, owner_id = (r.more ->> 'owner_id')::bigint", "t.id = r.id", "id bigint, more jsonb",
        [(id, as_json(about)) for id, about in known.items()],
    )  # fmt: skip
