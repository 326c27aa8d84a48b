"""Consent: the last word by channel, and every change with its proof."""

from datetime import UTC, datetime

import pytest

from baton.crm import consent, records
from baton.crm.models import Consent, ConsentEvent, PropertyHistory
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid

pytestmark = pytest.mark.django_db


def test_the_last_word_counts_and_changes_are_kept() -> None:
    who = Actor("form", 3)
    consent.set([1, 2, 2], "email", True, actor=who, source="form:3", wording="소식을 받겠습니다")
    consent.set([1, 2], "email", True, actor=who, source="form:4")
    consent.set([2], "email", False, actor=Actor("visitor", 2), source="unsubscribe")
    assert [consent.granted(id, "email") for id in (1, 2, 3)] == [True, False, None]
    assert consent.granted(1, "sms") is None
    row = Consent.objects.get(contact_id=1)
    assert (row.source, row.wording, row.actor) == ("form:4", "", "form:3")
    trail = [(h.record_id, h.name, h.old, h.new, h.source) for h in PropertyHistory.objects.order_by("id")]
    assert trail == [
        (1, "consent.email", None, True, "form:3"),
        (2, "consent.email", None, True, "form:3"),
        (2, "consent.email", True, False, "unsubscribe"),
    ]
    assert sql.rows("SELECT contact_id, kind, key FROM change ORDER BY id") == [(id, "property", "consent.email") for id in (1, 2, 2)]
    consent.set([], "email", True, actor=who, source="form:3")


def test_the_ledger_keeps_every_answer_as_it_was_given() -> None:
    ann = records.create("contact", {"email": "ann@gaon.example"}, actor=SYSTEM, source="test")
    consent.set([ann], "email", True, actor=Actor("form", 3), source="form:3", wording="소식을 받겠습니다", proof={"form": 3, "version": "a1"})
    consent.set([ann], "email", True, actor=Actor("form", 4), source="form:4", night=True)
    consent.set([ann], "email", False, actor=Actor("visitor", ann), source="unsubscribe")
    rows = ConsentEvent.objects.filter(contact_id=ann).order_by("id")
    assert [(r.granted, r.night, r.source, r.wording, r.address) for r in rows] == [
        (True, False, "form:3", "소식을 받겠습니다", "ann@gaon.example"),
        (True, True, "form:4", "", "ann@gaon.example"),
        (False, False, "unsubscribe", "", "ann@gaon.example"),
    ]
    assert rows[0].proof == {"form": 3, "version": "a1"}


def test_who_bought_something_is_asked_again_after_half_a_year() -> None:
    ben = records.create("contact", {"email": "ben@gaon.example"}, actor=SYSTEM, source="test")
    now = datetime(2026, 8, 31, 3, 0, tzinfo=UTC)
    with clock.stopped(now):
        consent.set([ben], "email", True, actor=SYSTEM, source="import:1", basis="transaction")
        row = Consent.objects.get(contact_id=ben)
        assert (row.basis, row.expires_at) == ("transaction", datetime(2027, 2, 28, 3, 0, tzinfo=UTC))
        assert consent.end_expired() == 0
    sql.run("DELETE FROM change")
    with clock.stopped(datetime(2027, 2, 28, 3, 1, tzinfo=UTC)):
        assert consent.end_expired() == 1
        assert consent.end_expired() == 0
        assert consent.before(ben, "email") is None
    assert sql.rows("SELECT contact_id, key FROM change") == [(ben, "consent.email")]
    with pytest.raises(Invalid):
        consent.set([ben], "email", True, actor=SYSTEM, source="page", basis="friendship")
