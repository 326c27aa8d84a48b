"""However answers come and in whatever order, `consent`, its ledger, `subscription`, `suppression` and the last gate say the same of everybody."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.crm import consent, erase, merge, records
from baton.crm.consent import Answer
from baton.crm.models import Consent, ConsentEvent
from baton.messaging import gate
from baton.messaging.consent import preferences, subscribing, subscriptions, suppression
from baton.messaging.consent.movers import run
from baton.messaging.consent.movers.people import Subscriber
from baton.messaging.models import Email, Move, Subscription, SubscriptionType, Suppression
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict, NotFound
from tests import examples

pytestmark = pytest.mark.django_db
PEOPLE = ("anna@gaon.example", "ben@gaon.example")
USER = SYSTEM
WAYS = (
    "form", "form_no", "purchase", "import_yes", "import_no", "api_yes", "api_no", "api_forget", "api_out", "page_yes", "page_no", "centre", "centre_all",
    "link", "link_all", "one_click", "provider", "bounce", "lift", "undo", "undo_all", "moved_in", "moved_out", "merge", "unmerge", "erase", "later",
)  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 1), st.booleans(), st.integers(0, 3)), min_size=3, max_size=9)


class World:
    """Two people, a kind of news for all who agreed and one of its own that ends after a month, a mail of each."""

    def __init__(self, account: Account) -> None:
        Account.objects.filter(pk=account.pk).update(postal_address="서울 중구", phone="02-1", contact_email="help@nuriwork.example")
        for model in (Consent, ConsentEvent, Subscription, Suppression, SubscriptionType):
            model.objects.all().delete()
        self.ids = [records.create("contact", {"email": email}, actor=SYSTEM, source="test") for email in PEOPLE]
        self.kinds = [subscriptions.define({"en": "News"}, SYSTEM), subscriptions.define({"en": "Partners"}, SYSTEM, separate=True, months=1)]
        self.mails = [Email.objects.create(name=k.key, subject="s", body="<p>x</p>", subscription_id=k.pk, purpose="marketing") for k in self.kinds]
        self.now = self.begun = clock.now()
        self.merged: tuple[int, int, int] | None = None  # merge, who stays, who is gone
        self.fused: set[int] = set()  # whose rows come of two people: the ledger has the answers of both

    def who(self, n: int) -> int:
        return self.merged[1] if self.merged else self.ids[n]

    def do(self, way: str, id: int, kind: SubscriptionType, mail: Email, yes: bool, n: int) -> None:
        proof: dict[str, Any] = {"way": way}
        match way:
            case "form":
                consent.set([id], "email", True, actor=USER, source="form:1", wording="소식을 받습니다", proof=proof)
                if yes:
                    subscribing.as_agreed(id, kind.pk, "email")
            case "form_no":
                consent.set([id], "email", False, actor=USER, source="form:1", proof=proof)
            case "purchase":
                ends = clock.now() + timedelta(days=20)
                consent.set([id], "email", True, actor=USER, source="page", basis="transaction", expires_at=ends, wording="구매", proof=proof)
            case "import_yes" | "import_no":
                at = clock.now() - timedelta(days=n)
                consent.give([Answer(id, "email", way == "import_yes", at, "import:1", str(USER), wording="명단", proof=proof)], source="import")
            case "api_yes" | "api_no" | "page_yes" | "page_no":
                subscribing.record(id, kind.pk if yes else None, way.endswith("yes"), actor=USER, source="token:1", reason="들음", anew=way.startswith("page"))
            case "api_forget":
                subscribing.forget(id, kind.pk, actor=USER, source="token:1")
            case "api_out" | "provider":
                suppression.unsubscribe(id, mail.pk if way == "provider" else 0, source=way)
            case "centre":
                preferences.save(id, {(k.pk, "email"): bool(n & 1 << place) for place, k in enumerate(self.kinds)}, {}, proof=proof)
            case "centre_all":
                preferences.leave_all(id)
            case "link" | "one_click":
                subscriptions.leave(id, mail.pk, source=way)
            case "link_all":
                suppression.unsubscribe(id, mail.pk)
            case "bounce":
                suppression.suppress(id, "email", suppression.BOUNCED)
            case "lift":
                suppression.lift(id, "email", "전화로 부탁함", actor=USER)
            case "undo" | "undo_all":
                row = preferences.refusal(id, kind.pk if way == "undo" else None)
                if row is not None:
                    self.undo(row)
            case "moved_in" | "moved_out":
                self.move(id, way, kind if yes else None, n)
            case "later":
                self.now = min(self.now + timedelta(days=15 * (n + 1)), self.begun + timedelta(days=60))

    def undo(self, row: ConsentEvent) -> None:
        """What holds afterwards is what was before, to the second."""
        before = row.proof.get("before")
        if preferences.undo(row, proof={"page": "preferences"}) and before:
            model: Any = Consent.objects.filter(contact_id=row.contact_id, channel="email")
            if row.type_id:
                model = Subscription.objects.filter(contact_id=row.contact_id, type_id=row.type_id, channel="email")
            held = model.get()
            assert held.granted
            assert (held.at.isoformat(), held.basis, held.wording) == (before["at"], before["basis"], before["wording"])
            assert (held.expires_at.isoformat() if held.expires_at else None) == before["expires_at"]

    def move(self, id: int, way: str, kind: SubscriptionType | None, n: int) -> None:
        """The same list twice: the second time nothing changes."""
        email = records.get("contact", id).email
        at = clock.now() - timedelta(days=n)
        one = Subscriber(email, "subscribed" if way == "moved_in" else "unsubscribed", agreed_at=at, left_at=at if way == "moved_out" and n else None)
        options = {"source": "명단", "everything": kind is None, "type": kind.pk if kind else None}
        refused = self.refusals(id)
        for turn in range(2):
            move = Move.objects.create(service="stibee", via="file", name="x", actor=str(USER), options=options)
            before = self.said(id)
            run.apply(move, [one])
            if turn:
                assert self.said(id) == before
        assert way == "moved_out" or refused <= self.refusals(id), "a list of others overrules no refusal"

    def refusals(self, id: int) -> set[int | None]:
        rows = [*Subscription.objects.filter(contact_id=id, granted=False).values_list("type_id", flat=True)]
        return {*rows, *([None] if consent.granted(id, "email") is False else [])}

    def said(self, id: int) -> Any:
        return (
            ConsentEvent.objects.filter(contact_id=id).count(), list(Consent.objects.filter(contact_id=id).values()),
            list(Subscription.objects.filter(contact_id=id).order_by("type_id").values()), list(Suppression.objects.filter(contact_id=id).values()),
        )  # fmt: skip

    def step(self, way: str, n: int, yes: bool, number: int) -> None:
        self.now += timedelta(minutes=1)
        kind, mail = self.kinds[number % 2], self.mails[number % 2]
        with clock.stopped(self.now):
            if way == "merge" and self.merged is None:
                keep, gone = self.ids[n], self.ids[1 - n]
                no = {key for id in self.ids for key in self.refusals(id)}
                self.merged = merge.merge("contact", keep, gone, actor=SYSTEM), keep, gone
                self.fused |= {keep, gone}
                assert no <= self.refusals(keep), "who refused under either name has refused"
            elif way == "unmerge" and self.merged is not None:
                no, (number, keep, gone), self.merged = self.refusals(self.merged[1]), self.merged, None
                merge.undo(number, actor=SYSTEM)
                assert no <= self.refusals(keep) | self.refusals(gone)
            elif way == "erase":
                self.erase(self.who(n), n)
            elif way not in ("merge", "unmerge"):
                id = self.who(n)
                before = self.said(id)
                with suppress(Conflict, NotFound):
                    self.do(way, id, kind, mail, yes, number)
                after = self.said(id)
                assert before[1:3] == after[1:3] or after[0] > before[0], "nothing changes that the ledger does not have"
            for id in {self.who(0), self.who(1)}:
                self.check(id)

    def erase(self, id: int, n: int) -> None:
        email = records.get("contact", id).email
        erase.erase(id, actor=SYSTEM, block=False)
        assert suppression.addresses([email])
        for model in (Consent, ConsentEvent, Subscription, Suppression):
            assert not model.objects.filter(contact_id=id).exists()  # type: ignore[attr-defined]
        back = records.create("contact", {"email": email}, actor=SYSTEM, source="test")
        if self.merged:
            self.merged, self.ids = None, [back, records.create("contact", {"email": PEOPLE[1 - PEOPLE.index(email)]}, actor=SYSTEM, source="test")]
        else:
            self.ids[n] = back
        assert gate.refused(self.mails[0].pk, [back]), "forgotten is not agreed"

    def check(self, id: int) -> None:
        now = clock.now()
        events = list(ConsentEvent.objects.filter(contact_id=id, channel="email").order_by("id"))
        given = Consent.objects.filter(contact_id=id, channel="email").first()
        stop = Suppression.objects.filter(contact_id=id, channel="email").first()
        rows = {row.type_id: row for row in Subscription.objects.filter(contact_id=id, channel="email")}
        for event in events:
            assert event.source
            assert event.actor
            assert event.granted is False or event.wording or event.proof or event.type_id, "a yes has words or proof"
        if id not in self.fused:
            last = {event.type_id: event for event in events}
            assert (given.granted if given else None) == (last[None].granted if None in last else None)
            for kind in self.kinds:
                row, event = rows.get(kind.pk), last.get(kind.pk)
                if row is not None:
                    assert event is not None
                    assert (row.granted, row.expires_at) == (event.granted, event.expires_at)
                else:
                    assert event is None or event.proof.get("forgotten") or "undoes" in event.proof
        holds = given is not None and given.granted and (given.expires_at is None or given.expires_at > now)
        stopped = stop is not None and not (stop.reason == "unsubscribed" and given is not None and given.at > stop.at)
        assert subscriptions.willing(id) is (holds and not stopped)
        gets = {state.type.pk: state.gets for state in subscriptions.state(id)}
        held = bool(suppression.addresses([str(records.get("contact", id).email)]))
        for kind, mail in zip(self.kinds, self.mails, strict=True):
            row = rows.get(kind.pk)
            agreed = row is not None and row.granted and (row.expires_at is None or row.expires_at > now)
            assert gets[kind.pk] is (holds and not stopped and (agreed if kind.separate else row is None or row.granted))
            reason = gate.refused(mail.pk, [id]).get(id, "")
            assert (reason == "") is gets[kind.pk] or (held and reason == "suppressed_address"), (reason, kind.key)


@settings(
    max_examples=examples.some(4),
    deadline=None,
    phases=(Phase.generate,),  # making a failure small takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS)
def test_all_that_is_kept_of_an_answer_agrees(account: Account, steps: list[tuple[str, int, bool, int]]) -> None:
    from django.db import transaction

    with transaction.atomic():
        world = World(account)
        for one in steps:
            note(str(one))
            world.step(*one)
        transaction.set_rollback(True)
