"""Notices to colleagues."""

import pytest

from baton.messaging.colleagues import notify
from baton.messaging.models import Notification

pytestmark = pytest.mark.django_db


def test_the_same_cause_notifies_each_user_once() -> None:
    for _ in range(2):
        notify.users([1, 2], cause="step:1:s1", title="서지우 님이 SQL이 됐습니다", url="/contacts/1/", contact_id=1)
    assert Notification.objects.count() == 2
    notify.users([1], cause="step:2:s1", title="다른 일")
    assert notify.unread(1) == 2
    assert [n.title for n in notify.recent(1, 1)] == ["다른 일"]


def test_reading_marks_only_ones_own() -> None:
    notify.users([1, 2], cause="x", title="x")
    assert notify.mark_read(1) == 1
    assert notify.mark_read(1) == 0
    assert (notify.unread(1), notify.unread(2)) == (0, 1)
