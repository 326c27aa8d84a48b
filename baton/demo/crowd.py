"""Many more people, companies, deals, tickets, tasks, calls, meetings and notes than the sample company has: to see how Baton does with a million contacts.

Pure data, one row at a time and the same for the same seed, so that memory stays flat. load.py copies it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.crm.values import stamp
from baton.demo import people
from baton.demo.people import BUDGETS, FAMILY, GIVEN, SIZES, STEMS, TAILS, TITLES

STEPS = 7919  # a prime, so that neighbours have different names
STAGES = {
    "subscriber": 30, "lead": 33, "nurturing": 14, "mql": 8, "sql": 4, "opportunity": 4, "customer": 4, "recycle_a": 1.5, "recycle_b": 1, "deadend": 0.5,
}  # fmt: skip
ON = ("lead", "nurturing", "mql", "sql", "opportunity", "customer")
WAYS = {stage: ON[: n + 1] for n, stage in enumerate(ON)} | {  # through which stages somebody came to his
    "subscriber": ("subscriber",), "recycle_a": (*ON[:3], "recycle_a"), "recycle_b": (*ON[:5], "recycle_b"), "deadend": ("lead", "deadend"),
}  # fmt: skip
CITIES = {"서울": 34, "성남": 8, "수원": 7, "인천": 9, "부산": 11, "대전": 7, "대구": 7, "광주": 5, "창원": 4, "청주": 3, "울산": 3, "제주": 2}
DEALS = ("근태", "전자계약", "근태 + 전자계약", "급여 마감", "인사 기록")
TICKETS = ("휴가 잔여일이 다르게 보입니다", "계약서 서식을 추가하고 싶습니다", "출입 기록 연동 문의", "사용자 추가 요청", "급여 파일 형식 문의")
CALLS = {"connected": 58, "no_answer": 24, "busy": 8, "message": 10}
MEETINGS = ("화면 시연", "도입 상담", "요구사항 정리")
TASKS = ("견적서 보내기", "소개 전화", "미팅 일정 잡기", "계약 조건 확인", "갱신 안내")
NOTES = ("내년 예산에 넣기로 함.", "담당자가 바뀜. 새 연락처 확인 필요.", "경쟁 제품과 비교 중.", "다음 달 다시 연락.")
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each there are for so many contacts."""

    contacts: int

    @property
    def companies(self) -> int:
        return max(1, self.contacts // 5)

    @property
    def deals(self) -> int:
        return self.contacts // 10

    @property
    def tickets(self) -> int:
        return self.contacts // 25

    @property
    def tasks(self) -> int:
        return self.contacts // 20

    @property
    def calls(self) -> int:
        return self.contacts // 20

    @property
    def meetings(self) -> int:
        return self.contacts // 40

    @property
    def notes(self) -> int:
        return self.contacts // 20


@dataclass(frozen=True, slots=True)
class Made:
    """One record as it is stored; `company` and `contact` are numbers in their own series."""

    properties: Properties
    created: datetime
    updated: datetime
    owner: int | None = None
    company: int | None = None
    contact: int | None = None
    seen: datetime | None = None


def _chooser(weights: dict[str, float]) -> tuple[list[str], list[float]]:
    total, sums = 0.0, []
    for weight in weights.values():
        total += weight
        sums.append(total)
    return list(weights), sums


class Crowd:
    """`users` are who may own records; `probability` is that of each deal stage, in their order."""

    def __init__(self, seed: int, now: datetime, sizes: Sizes, users: list[int], probability: dict[str, float]) -> None:
        self.seed, self.now, self.sizes, self.users, self.probability = seed, now, sizes, users, probability
        self.names = [(stem, other, tail, industry) for stem in STEMS for other in STEMS for industry, tails in TAILS.items() for tail in tails]
        self.latin = {**STEMS, **{tail: letters for tails in TAILS.values() for tail, letters in tails.items()}}
        self.stages, self.cities = _chooser(STAGES), _chooser({name: float(weight) for name, weight in CITIES.items()})
        self.sources, self.ranks = _chooser({k: float(v) for k, v in people.SOURCES.items()}), _chooser({k: float(v) for k, v in people.RANKS.items()})
        self.families, self.givens = list(FAMILY), list(GIVEN)
        self.family_sums = _chooser({name: 40.0 if i < 2 else 14.0 if i < 10 else 4.0 for i, name in enumerate(FAMILY)})[1]

    def _rng(self, series: str) -> random.Random:
        return random.Random(f"{self.seed}:{series}")

    def called(self, number: int) -> tuple[str, str, str]:
        """Name, domain and industry of a company by its number."""
        stem, other, tail, industry = self.names[(number * STEPS) % len(self.names)]
        turn = number // len(self.names)
        again = str(turn + 1) if turn else ""
        return f"{stem}{other}{tail}{again}", f"{self.latin[stem]}{self.latin[other]}{self.latin[tail]}{again}.example", industry

    def _past(self, rng: random.Random, days: int) -> datetime:
        return self.now - timedelta(seconds=int(86_400 * days * rng.random()) + 60, milliseconds=rng.randrange(1000))

    def _owner(self, rng: random.Random, chance: float) -> int | None:
        return rng.choice(self.users) if rng.random() < chance else None

    def companies(self) -> Iterator[Made]:
        rng = self._rng("company")
        for number in range(self.sizes.companies):
            name, domain, industry = self.called(number)
            employees = max(3, int(rng.choice(SIZES) * rng.uniform(0.6, 1.6)))
            about: Properties = {
                "name": name, "domain": domain, "industry": industry, "numberofemployees": employees,
                "annualrevenue": int(employees * rng.uniform(1.2, 4)) * 100_000_000, "city": rng.choices(self.cities[0], cum_weights=self.cities[1])[0],
            }  # fmt: skip
            if rng.random() < 0.8:
                about["business_number"] = people.registration(1_000_000 + number)
            if rng.random() < 0.6:
                about["phone"] = f"+822{rng.randint(2000000, 9999999)}"
            created = self._past(rng, 1400)
            yield self._made(about, created, max(created, self._past(rng, 500)), self._owner(rng, 0.5))

    def contacts(self) -> Iterator[Made]:
        rng, companies = self._rng("contact"), self.sizes.companies
        for number in range(self.sizes.contacts):
            employed = int(companies * rng.random() ** 1.3) if rng.random() < 0.93 else None
            company, domain, industry = self.called(employed) if employed is not None else ("", people.FREE_MAIL, "")
            family = rng.choices(self.families, cum_weights=self.family_sums)[0]
            given = rng.choice(self.givens)
            rank = rng.choices(self.ranks[0], cum_weights=self.ranks[1])[0]
            about: Properties = {
                "email": f"{GIVEN[given]}.{FAMILY[family]}{number}@{domain}", "lastname": family, "firstname": given, "jobtitle": rng.choice(TITLES[rank]),
                "seniority": rank, "city": rng.choices(self.cities[0], cum_weights=self.cities[1])[0],
                "lead_source": rng.choices(self.sources[0], cum_weights=self.sources[1])[0],
                "lifecyclestage": rng.choices(self.stages[0], cum_weights=self.stages[1])[0],
            }  # fmt: skip
            if company:
                about |= {"company": company, "industry": industry}
            if rng.random() < 0.45:
                about["phone"] = f"+8210{rng.randint(2000, 9999)}{rng.randint(1000, 9999)}"
            if rng.random() < 0.25:
                about["budget"] = rng.choice(BUDGETS)
            created = self._past(rng, 1400)
            way = WAYS[str(about["lifecyclestage"])]
            about["stage_since"] = stamp(created if len(way) == 1 else max(created, self._past(rng, 500)))
            seen = max(created, self._past(rng, 400)) if rng.random() < 0.15 else None
            yield self._made(about, created, max(created, self._past(rng, 300)), self._owner(rng, 0.4), company=employed, seen=seen)

    def deals(self) -> Iterator[Made]:
        rng, keys = self._rng("deal"), list(self.probability)
        for _ in range(self.sizes.deals):
            company = rng.randrange(self.sizes.companies)
            stage = rng.choice(keys)
            created = self._past(rng, 700)
            since = max(created, self._past(rng, 120))
            amount = max(100_000, round(rng.lognormvariate(16.8, 0.9), -5))
            closes = since if stage.startswith("closed") else self.now + timedelta(days=rng.randint(1, 150))
            about: Properties = {
                "dealname": f"{self.called(company)[0]} {rng.choice(DEALS)}", "amount": int(amount), "pipeline": "default", "dealstage": stage,
                "closedate": closes.date().isoformat(), "stage_since": stamp(since), "probability": self.probability[stage],
                "weighted_amount": amount * self.probability[stage],
            }  # fmt: skip
            yield self._made(about, created, since, rng.choice(self.users), company=company, contact=rng.randrange(self.sizes.contacts))

    def tickets(self) -> Iterator[Made]:
        rng = self._rng("ticket")
        for _ in range(self.sizes.tickets):
            stage = rng.choices(("1", "2", "3", "4"), (1, 1, 1, 9))[0]
            created = self._past(rng, 500 if stage == "4" else 20)
            since = max(created, self._past(rng, 400 if stage == "4" else 10))
            about: Properties = {
                "subject": rng.choice(TICKETS), "pipeline": "0", "ticket_stage": stage, "priority": rng.choice(("low", "medium", "high")),
                "stage_since": stamp(since), **({"closed_at": stamp(since)} if stage == "4" else {}),
            }  # fmt: skip
            contact, company = rng.randrange(self.sizes.contacts), rng.randrange(self.sizes.companies)
            yield self._made(about, created, since, rng.choice(self.users), company=company, contact=contact)

    def tasks(self) -> Iterator[Made]:
        rng = self._rng("task")
        for _ in range(self.sizes.tasks):
            created = self._past(rng, 300)
            due = created + timedelta(days=rng.randint(1, 30))
            done = due < self.now and rng.random() < 0.93
            about: Properties = {
                "at": stamp(due), "subject": rng.choice(TASKS), "status": "COMPLETED" if done else "NOT_STARTED",
                "priority": rng.choice(("NONE", "LOW", "MEDIUM", "HIGH")), "kind": rng.choice(("TODO", "CALL", "EMAIL")),
                **({"completed_at": stamp(due)} if done else {}),
            }  # fmt: skip
            yield self._made(about, created, due if done else created, rng.choice(self.users), contact=rng.randrange(self.sizes.contacts))

    def notes(self) -> Iterator[Made]:
        rng = self._rng("note")
        for _ in range(self.sizes.notes):
            at = self._past(rng, 700)
            yield self._made(
                {"at": stamp(at), "body": f"<p>{rng.choice(NOTES)}</p>"}, at, at, rng.choice(self.users), contact=rng.randrange(self.sizes.contacts)
            )

    def calls(self) -> Iterator[Made]:
        rng, outcomes = self._rng("call"), _chooser({outcome: float(weight) for outcome, weight in CALLS.items()})
        for _ in range(self.sizes.calls):
            at, outcome = self._past(rng, 700), rng.choices(outcomes[0], cum_weights=outcomes[1])[0]
            about: Properties = {
                "at": stamp(at), "title": rng.choice(TASKS), "outcome": outcome, "direction": "outbound", "status": "COMPLETED",
                **({"duration": rng.randint(2, 25) * 60_000} if outcome == "connected" else {}),
            }  # fmt: skip
            yield self._made(about, at, at, rng.choice(self.users), contact=rng.randrange(self.sizes.contacts))

    def meetings(self) -> Iterator[Made]:
        rng = self._rng("meeting")
        for _ in range(self.sizes.meetings):
            at = self._past(rng, 700) if rng.random() < 0.9 else self.now + timedelta(hours=rng.randint(20, 500))
            about: Properties = {
                "at": stamp(at), "starts_at": stamp(at), "ends_at": stamp(at + timedelta(minutes=30)), "title": rng.choice(MEETINGS), "kind": "online",
                "outcome": "COMPLETED" if at < self.now else "SCHEDULED",
            }  # fmt: skip
            written = min(at, self.now - timedelta(hours=1))
            yield self._made(about, written, written, rng.choice(self.users), contact=rng.randrange(self.sizes.contacts))

    def _made(
        self, about: Properties, created: datetime, updated: datetime, owner: int | None, *,
        company: int | None = None, contact: int | None = None, seen: datetime | None = None,
    ) -> Made:  # fmt: skip
        if owner is not None:
            about["owner_id"] = owner
        return Made(about, created, updated, owner, company, contact, seen)
