"""The ledger of stages ties out: at every moment of any history its balance is what the contacts really are."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts.models import User
from baton.crm import erase, merge, records, stages
from baton.crm.imports import run, undo, verbs
from baton.crm.models import Import, Merge
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import DomainError
from baton.segments import lifecycle
from tests import examples

STAGES = ["", "subscriber", "lead", "nurturing", "mql", "sql", "opportunity", "customer", "evangelist", "recycle_a", "recycle_b", "deadend"]
KNOWN = "SELECT id FROM contact UNION ALL SELECT value::bigint FROM identity WHERE kind = 'merged'"


class History:
    """Contacts to whom things happen, with what was true after each."""

    def __init__(self, who: Actor) -> None:
        self.who, self.made = who, 0
        self.ids: list[int] = []
        self.merges: list[int] = []
        self.imports: list[int] = []
        self.seen: list[tuple[datetime, Counter[str]]] = []

    def one(self, n: int) -> int:
        return self.ids[n % len(self.ids)] if self.ids else 0

    def create(self, a: int, b: int) -> None:
        self.made += 1
        email = f"l{self.made}@ledger.example"
        self.ids.append(records.create("contact", {"email": email, "lifecyclestage": STAGES[b % len(STAGES)]}, actor=self.who, source="test"))

    def set(self, a: int, b: int) -> None:
        records.update("contact", self.one(a), {"lifecyclestage": STAGES[b % len(STAGES)]}, actor=self.who, source="page")

    def set_many(self, a: int, b: int) -> None:
        records.update_many("contact", {id: {"lifecyclestage": STAGES[b % len(STAGES)]} for id in self.ids[a % 3 :]}, actor=self.who, source="bulk:1")

    def correct(self, a: int, b: int) -> None:
        records.update("contact", self.one(a), {"lifecyclestage": STAGES[b % len(STAGES)]}, actor=self.who, source="undo", freedom="any")

    def decide(self, a: int, b: int) -> None:
        stages.move([self.one(a), self.one(a + 1)], STAGES[b % len(STAGES)], actor=self.who, source="page", reason="왜냐하면", back=bool(a % 2))

    def reopen(self, a: int, b: int) -> None:
        for id in self.ids:
            stages.reopen(id, "lead", reason="다시", actor=SYSTEM)

    def rule(self, a: int, b: int) -> None:
        record.add([NewEvent(self.one(a), Kind.EMAIL_CLICK, clock.now(), "3")] if b % 2 and self.ids else [])
        while changes.tick():
            pass
        lifecycle.everyone()

    def archive(self, a: int, b: int) -> None:
        records.archive("contact", self.one(a), actor=self.who)

    def restore(self, a: int, b: int) -> None:
        records.restore_many("contact", self.ids, actor=self.who)

    def merge(self, a: int, b: int) -> None:
        chosen: dict[str, merge.Side] = {"lifecyclestage": "gone"} if b % 3 == 0 else {}
        self.merges.append(merge.merge("contact", self.one(a), self.one(b), chosen, actor=self.who))

    def unmerge(self, a: int, b: int) -> None:
        for id in list(Merge.objects.filter(id__in=self.merges, undone_at=None).order_by("-id").values_list("id", flat=True))[:1]:
            merge.undo(id, actor=self.who)

    def erase(self, a: int, b: int) -> None:
        erase.erase(self.one(a), actor=self.who)

    def anonymise(self, a: int, b: int) -> None:
        erase.anonymise(self.one(a), actor=self.who)

    def bring(self, a: int, b: int) -> None:
        mails = [f"l{a % 4}@ledger.example", f"new{b % 4}@ledger.example"]
        rows = "".join(f"{mail},{STAGES[(b + n) % len(STAGES)]}\n" for n, mail in enumerate(mails))
        row = verbs.upload("file.csv", [f"email,lifecyclestage\n{rows}".encode()], actor=self.who, object_type="contact")
        verbs.match(row.pk, row.columns, row.options, actor=self.who)
        verbs.start(row.pk, actor=self.who)
        run.run(row.pk)
        self.imports.append(row.pk)

    def take_back(self, a: int, b: int) -> None:
        for id in self.imports[-1:]:
            verbs.undo(id, actor=self.who)
            undo.run(id)
            assert Import.objects.get(pk=id).state == "undone"
            self.imports.remove(id)

    def look(self) -> None:
        self.seen.append((clock.now(), real()))


OPS = [name for name in vars(History) if not name.startswith("_") and name not in ("one", "look")]


def real() -> Counter[str]:
    """How many live contacts are in each stage."""
    rows = sql.rows("SELECT properties ->> 'lifecyclestage', count(*) FROM contact WHERE archived_at IS NULL AND properties ? 'lifecyclestage' GROUP BY 1")
    return Counter(dict(rows))


def balance(at: datetime) -> Counter[str]:
    """What the ledger says was in each stage at a moment."""
    rows = sql.rows(
        'SELECT s.stage, sum(s.n) FROM (SELECT "into" AS stage, 1 AS n FROM booking WHERE at <= %s UNION ALL SELECT out_of, -1 FROM booking WHERE at <= %s) s'
        " WHERE s.stage <> '' GROUP BY 1",
        [at, at],
    )
    return Counter({stage: int(number) for stage, number in rows if number})


def of_months() -> list[tuple[str, datetime, int, int]]:
    """(stage, month, in, out) of all bookings."""
    return sql.rows(
        "SELECT s.stage, s.month, sum(s.came)::int, sum(s.went)::int FROM ("
        """ SELECT "into" AS stage, date_trunc('month', at) AS month, 1 AS came, 0 AS went FROM booking"""
        " UNION ALL SELECT out_of, date_trunc('month', at), 0, 1 FROM booking) s WHERE s.stage <> '' GROUP BY 1, 2 ORDER BY 1, 2"
    )


@settings(max_examples=examples.some(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 30), st.integers(0, 30), st.integers(0, 20)), min_size=15, max_size=40))
def test_it_ties_out_at_every_moment_of_any_history(account: object, happened: list[tuple[str, int, int, int]]) -> None:
    with transaction.atomic():  # nothing is left for the next history
        try:
            ties_out(happened)
        finally:
            clock.shift(timedelta())
            transaction.set_rollback(True)


def ties_out(happened: list[tuple[str, int, int, int]]) -> None:
    user = User.objects.create_user("oh@nuriwork.example", name="오세린", role="admin")
    history = History(Actor("user", user.pk))
    clock.shift(timedelta(days=-500))
    for a in range(3):
        history.create(a, a + 2)
    for name, a, b, days in happened:
        clock.shift(clock._shift + timedelta(days=days, seconds=1))
        do: Callable[[int, int], Any] = getattr(history, name)
        try:
            with transaction.atomic():
                do(a, b)
        except DomainError:
            pass  # refused, and nothing must be booked
        history.look()
    for at, truth in history.seen:
        assert balance(at) == truth
    closing: Counter[str] = Counter()
    for stage, _month, came, went in of_months():
        closing[stage] += came - went  # the month before closes where this one opens
        assert closing[stage] >= 0
    assert +closing == real()
    of_each: dict[int, list[tuple[str, str]]] = {}
    for contact, out_of, into in sql.rows('SELECT contact_id, out_of, "into" FROM booking ORDER BY contact_id, id'):
        of_each.setdefault(contact, []).append((out_of, into))
    assert all(moves[0][0] == "" and all(one[1] == next[0] for one, next in pairwise(moves)) for moves in of_each.values())
    assert all(moves[-1][1] == "" for contact, moves in of_each.items() if contact < 0)
    assert {contact for contact in of_each if contact > 0} <= {id for (id,) in sql.rows(KNOWN)}
