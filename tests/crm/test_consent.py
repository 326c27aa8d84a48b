"""Consent: the last word by channel, and every change with its proof."""

import pytest

from baton.crm import consent
from baton.crm.models import Consent, PropertyHistory
from baton.platform import sql
from baton.platform.actor import Actor

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
