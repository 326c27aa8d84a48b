"""What sales decided about people: verdicts on SQLs, deals won and lost, pauses and what ends them, points given by hand.

Whoever is sent back, paused or recycled has done nothing since, so no rule of entry calls him again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from baton.demo import points
from baton.demo.people import Person
from baton.demo.points import Entry, Steps
from baton.demo.sample import Journey, Pause, Sample
from baton.demo.setting import SALES
from baton.platform.config import config

DEAD = {"competitor": "경쟁사", "student": "학생", "optout": "수신 거부"}
WHY = {
    "ready": ("예산과 도입 시기를 확인했습니다", "결재권자와 통화했습니다", "현재 시스템 계약이 곧 끝납니다", "요구사항이 제품과 맞습니다", ""),
    "not_ready": ("예산이 내년에 정해집니다", "자료 조사 단계입니다", "담당자가 결재권자를 아직 만나지 못했습니다", "다른 부서와 함께 검토하기로 했습니다"),
    "unqualified": (
        "20명 미만이고 채용 계획이 없습니다",
        "자체 개발 시스템을 쓰기로 했습니다",
        "개인적으로 알아본 것이었습니다",
        "해외 법인이라 지원하지 않습니다",
    ),
    "paused": ("조직 개편이 끝난 뒤 다시 이야기하기로 했습니다", "내년 예산이 잡힌 뒤 연락하기로 했습니다", "담당자가 휴직 중입니다"),
}
REST = {
    "recycle_a": ("통화했으나 만날 날을 잡지 못했습니다", "급한 일이 끝난 뒤 보기로 했습니다", "다음 분기에 다시 묻기로 했습니다"),
    "recycle_b": ("가격 때문에 다른 회사를 골랐습니다", "올해는 도입을 멈추기로 했습니다", "기존 업체와 1년 더 쓰기로 했습니다"),
}
WAKES: tuple[dict[str, Any], ...] = (
    {"condition": "page_viewed", "address": "/site/pricing", "match": "contains"},
    {"condition": "form_submitted", "form": None},
    {"any": [{"condition": "page_viewed", "address": "/site/pricing", "match": "contains"}, {"condition": "email_clicked", "email": None}]},
)
VISIT: dict[str, Any] = {"condition": "page_viewed", "address": "/site", "match": "contains"}
GIVEN = ((10, "시연에서 예산과 일정을 확인했습니다"), (15, "임원에게 소개받았습니다"), (5, "결재권자가 직접 물었습니다"), (-10, "도입을 내년으로 미루었습니다"))
HOUR = timedelta(hours=1)
Moves = list[tuple[datetime, str, str, str, str]]


def give(sample: Sample) -> None:
    """Points by hand, of salespeople who showed the product."""
    rng = sample.luck("given")
    for person in sample.people[1:]:
        if person.hits["meeting"] and person.hits["demo"] and rng.random() < 0.6:
            worth, reason = rng.choice(GIVEN)
            at = min(person.seen + timedelta(hours=rng.uniform(1, 70)), sample.now - timedelta(minutes=5))
            if at > person.created:
                who = f"user:{sample.setting.users[rng.choice(SALES)]}"
                sample.given[person.id] = [Entry(person.id, sample.number(), worth, reason, who, "", at)]


def journey(sample: Sample, person: Person, moves: Moves, steps: Steps, did: Sequence[datetime]) -> Journey:
    """The way of somebody whom rules brought to a stage; `did` is when he did something, in order."""
    return _Decider(sample, person, moves, steps, did).made()


class _Decider:
    def __init__(self, sample: Sample, person: Person, moves: Moves, steps: Steps, did: Sequence[datetime]) -> None:
        self.sample, self.person, self.steps, self.did = sample, person, steps, did
        self.rng, self.now = sample.rng, sample.now
        self.last, self.stage = moves[-1][0], moves[-1][2]
        self.way = Journey(self.stage, moves)
        if self.stage == "sql" and not person.owner:
            person.owner = self.rng.choice(SALES)
        self.seller = f"user:{sample.setting.users[person.owner or self.rng.choice(SALES)]}"
        won = [at for at, rules in steps if sum(worth for _name, worth in rules) > 0]
        self.quiet = max(self.last, person.seen, *won[-1:], *did[-1:]) + HOUR  # nothing after it calls for more

    def made(self) -> Journey:
        hits, roll = self.person.hits, self.rng.random()
        if hits.get("competitor") or hits.get("student") or (hits.get("optout") and roll < 0.5):
            why = next((why for hit, why in DEAD.items() if hits.get(hit)), "")
            self._move(self.last + (self.now - self.last) * self.rng.uniform(0.2, 0.9), "deadend", why)
        elif self.person is self.sample.people[0]:
            pass
        elif self.stage == "sql":
            self._judged(roll)
        elif self.stage == "mql" and roll < 0.14:
            self._rest(self._soon(), "recycle_a")
        elif self.stage == "mql" and roll < 0.3:
            self._woken()
        return self.way

    def _days(self, least: float, most: float) -> timedelta:
        return timedelta(days=self.rng.uniform(least, most))

    def _soon(self) -> datetime:
        """Some days after all that he did."""
        return self.quiet + self._days(0.1, 6)

    def _move(self, at: datetime, into: str, why: str = "", source: str = "page", who: str = "") -> None:
        self.way.moves.append((at, self.way.stage, into, who or self.seller, source))
        self.way.stage = into
        if why:
            self.way.why[at] = why

    def _judged(self, roll: float) -> None:
        """What sales said of an SQL. Who has waited for three to six days would be reminded of at once, so there are none."""
        age = self.now - self.last
        if roll < (0.8 if age < timedelta(days=2.8) else 0.0 if age < timedelta(days=6.2) else 0.05):
            return
        worth = sum(points.standing(self.steps, self.now).values())
        chance, roll = self.rng.random(), self.rng.random()
        if chance < min(0.75, max(0.03, (100 - worth) / 45)):  # the fewer points, the more often it is no SQL after all
            if roll < 0.3 and (at := self.last + self._days(0.1, 4)) < self.now:
                self._say(at, "unqualified")
                self._move(at, "subscriber", self.way.verdict[2] if self.way.verdict else "", "verdict")
                return
            if roll < 0.75 and (at := self._soon()) < self.now:
                self._say(at, "not_ready")
                self._move(at, "mql", self.way.verdict[2] if self.way.verdict else "", "verdict")
                return
            if (at := self._soon()) < self.now:
                self._say(at, "paused")
                self._rest(at, "recycle_a", self.way.verdict[2] if self.way.verdict else "")
                return
        if roll < (0.85 if age > timedelta(days=20) else 0.4):
            self._sold()
        else:
            self._say(self.last + min(self._days(1, 14), age * 0.8), "ready")

    def _say(self, at: datetime, verdict: str) -> None:
        self.way.verdict = (at, verdict, self.rng.choice(WHY[verdict]))

    def _sold(self) -> None:
        """A true SQL, and how selling went: the more points somebody had, the likelier he buys."""
        said = self.last + min(self._days(1, 14), (self.now - self.last) * 0.8)
        self._say(said, "ready")
        opened = said + self._days(0.5, 9)
        if opened >= self.now:
            return
        self._move(opened, "opportunity")
        worth = sum(points.standing(self.steps, opened).values())
        if self.rng.random() < min(0.85, 0.1 + max(0, worth - 60) / 50):
            if (closed := opened + self._days(6, 70)) < self.now:
                self._move(closed, "customer")
        elif (closed := max(self._soon(), opened + self._days(5, 50))) < self.now:
            self._rest(closed, "recycle_b")

    def _rest(self, at: datetime, into: str, why: str = "") -> None:
        """Into recycling, for some until a day."""
        if at >= self.now:
            return
        why = why or self.rng.choice(REST[into])
        judged = bool(self.way.verdict and self.way.verdict[1] == "paused")
        self._move(at, into, why, "verdict" if judged else "page")
        if not judged and self.rng.random() < 0.2:
            return  # without a day
        pause = self.way.pause = Pause(at, self._day(at + timedelta(days=self.rng.choice((30, 60, 90, 120, 180)))), why, self.seller)
        if pause.until <= self.now:
            self._back(pause.until, "time", f"{pause.until.astimezone(config().zone).date().isoformat()}까지였던 쉬는 기간이 끝났습니다")
        elif self.rng.random() < 0.12:
            self._back(at + (self.now - at) * self.rng.uniform(0.3, 0.95), self.seller, "먼저 연락을 주셨습니다")
        elif self.rng.random() < 0.5:
            pause.wake = self.rng.choice(WAKES)

    def _day(self, at: datetime) -> datetime:
        return at.astimezone(config().zone).replace(hour=0, minute=0, second=0, microsecond=0)

    def _back(self, at: datetime, by: str, why: str) -> None:
        assert self.way.pause is not None
        self.way.pause.ended, self.way.pause.by = at, by
        self._move(at, "nurturing", why, "pause", "system" if by in ("time", "wake") else self.seller)

    def _woken(self) -> None:
        """He rested, and his last visit after more than a week woke him."""
        again = next((i for i in range(len(self.did) - 1, 0, -1) if self.did[i] - self.did[i - 1] > timedelta(days=8)), 0)
        if not again or self.did[-1] - self.did[again] > 3 * HOUR or self.did[again - 1] < self.last or self.did[-1] > self.person.seen + HOUR:
            return
        at, ended = self.did[again - 1] + timedelta(days=1), self.quiet - HOUR + timedelta(seconds=3)
        if ended >= self.now:
            return
        why = self.rng.choice(REST["recycle_a"])
        self._move(at, "recycle_a", why)
        self.way.pause = Pause(at, self._day(at + timedelta(days=120)), why, self.seller, VISIT)
        self._back(ended, "wake", "다시 방문하여 깨어났습니다")
