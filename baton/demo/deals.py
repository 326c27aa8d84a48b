"""Deals with whom sales works on, and what customers ask for."""

import random
from datetime import datetime, timedelta
from typing import Any

from baton.crm.models import Stage
from baton.crm.values import stamp
from baton.demo import tables
from baton.demo.copying import as_json, copy_in_pieces, words
from baton.demo.people import Person
from baton.demo.sample import Sample
from baton.platform import sql
from baton.platform.config import config


def make(sample: Sample) -> None:
    """Deals for whom sales works on, support tickets for customers."""
    rng, now = sample.rng, sample.now
    stages = {s.key: s for s in Stage.objects.filter(pipeline__object_type="deal", pipeline__key="default").order_by("position")}
    order = [key for key, stage in stages.items() if not stage.closed]
    deals: list[tuple[Person, dict[str, Any], datetime]] = []
    tickets: list[tuple[Person, dict[str, Any], datetime]] = []
    for person in sample.people:
        journey = sample.journeys[person.id]
        began = journey.at("opportunity") or (journey.at("sql") if journey.stage in ("sql", "recycled") else None)
        if began is None or (journey.stage == "sql" and person is not sample.people[0] and rng.random() > 0.25):
            continue
        stage = {"customer": "closedwon", "recycled": "closedlost"}.get(journey.stage) or rng.choice(order[1:] if journey.stage == "opportunity" else order[:2])
        seats = max(10, round(person.company.employees * rng.uniform(0.6, 1)))
        closed = journey.moves[-1][0] if stage.startswith("closed") else now + timedelta(days=rng.randint(5, 90))
        about: dict[str, Any] = {
            "dealname": f"{person.company.name} {rng.choice(('근태', '전자계약', '근태 + 전자계약', '급여 마감'))}",
            "amount": round(seats * 6900 * 12, -5) or 100_000,
            "closedate": closed.astimezone(config().zone).date().isoformat(),
            "pipeline": "default",
            "dealstage": stage,
            "owner_id": sample.setting.users[person.owner],
        }
        if person is sample.people[0]:
            about |= {"dealname": "가온로지스 근태 + 전자계약", "amount": 38_400_000, "dealstage": order[1]}
        reached = closed if stage.startswith("closed") else now - timedelta(hours=rng.randint(3, 24 * 30))
        probability = stages[about["dealstage"]].probability
        about |= {"stage_since": stamp(min(reached, now)), "probability": probability, "weighted_amount": about["amount"] * probability}
        deals.append((person, about, min(began + timedelta(minutes=20), now)))
        if journey.stage == "customer" and rng.random() < 0.3:
            subject = rng.choice(("휴가 잔여일이 다르게 보입니다", "계약서 서식을 추가하고 싶습니다", "출입 기록 연동 문의", "사용자 추가 요청"))
            tickets.append(
                (
                    person,
                    _ticket(rng, subject, journey.moves[-1][0], now),
                    journey.moves[-1][0],
                )
            )
    for kind, found in (("deal", deals), ("ticket", tickets)):
        ids = sql.next_ids("record_id_seq", len(found))
        copy_in_pieces(
            "record",
            ("id", "object_type", "properties", "owner_id", "created_at", "created_by", "source", "updated_at", "search"),
            (
                (id, kind, as_json(about), about.get("owner_id"), at, *_seller(about), at, words(kind, about))
                for id, (_person, about, at) in zip(ids, found, strict=True)
            ),
        )
        tables.link((id, kind, person.id, "contact", "", at) for id, (person, _about, at) in zip(ids, found, strict=True))
        tables.link((id, kind, person.company.id, "company", "", at) for id, (person, _about, at) in zip(ids, found, strict=True))


def _seller(about: dict[str, Any]) -> tuple[str, str]:
    return (f"user:{about['owner_id']}", "page") if "owner_id" in about else ("system", "form")


def _ticket(rng: random.Random, subject: str, at: datetime, now: datetime) -> dict[str, Any]:
    """What a customer asked for. Closed ones are old, open ones a matter of hours and days."""
    stage = rng.choice(("1", "3", "4"))
    since = at if stage == "4" else max(at, now - timedelta(hours=rng.randint(1, 60)))
    about = {"subject": subject, "pipeline": "0", "ticket_stage": stage, "priority": rng.choice(("low", "medium", "high")), "stage_since": stamp(since)}
    return about | ({"closed_at": stamp(since)} if stage == "4" else {})
