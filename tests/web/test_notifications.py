"""What Baton told a colleague: unread marks, reading one and all, the way to the record."""

import re

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.messaging.colleagues import notify
from baton.messaging.models import Notification
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(client: Client, account: Account) -> User:
    user = users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM, language="en")
    client.force_login(user)
    for number in range(3):
        notify.users([user.pk], cause=f"c{number}", title=f"리드 {number}", body="89점", url=f"/contacts/{number + 1}/", contact_id=number + 1)
    return user


def test_the_list_says_what_is_unread(client: Client, seller: User) -> None:
    page = client.get("/notifications/").content.decode()
    assert page.index("리드 2") < page.index("리드 0")
    assert page.count('class="notice new"') == 3
    assert 'href="/contacts/1/"' in page
    assert 'data-nav-count="notifications">3<' in page


def test_one_is_read(client: Client, seller: User) -> None:
    first = Notification.objects.earliest("pk")
    answer = client.post(f"/notifications/{first.pk}/read/", headers={"HX-Request": "true"}).content.decode()
    assert "new" not in answer.partition(">")[0]
    assert ">2</span></hx-partial>" in answer
    first.refresh_from_db()
    assert first.read_at is not None


def test_all_are_read(client: Client, seller: User) -> None:
    answer = client.post("/notifications/read/", headers={"HX-Request": "true"}).content.decode()
    assert 'class="notice new"' not in answer
    assert notify.unread(seller.pk) == 0


def test_nobody_reads_the_notices_of_others(client: Client, seller: User) -> None:
    other = users.create("a@nuriwork.example", "나", "baton-demo-1", "sales", actor=SYSTEM)
    notify.users([other.pk], cause="x", title="남의 알림")
    foreign = Notification.objects.get(user_id=other.pk)
    assert client.post(f"/notifications/{foreign.pk}/read/", headers={"HX-Request": "true"}).status_code == 404
    assert "남의 알림" not in client.get("/notifications/").content.decode()
    assert notify.unread(other.pk) == 1


def test_older_ones_are_a_page_away(client: Client, seller: User) -> None:
    for number in range(60):
        notify.users([seller.pk], cause=f"m{number}", title=f"많은 {number}")
    page = client.get("/notifications/").content.decode()
    assert page.count('class="notice') == 50 + page.count('class="notices')
    address = page.split('class="btn" href="?before=')[1].split('"')[0]
    assert "리드 0" in client.get(f"/notifications/?before={address}").content.decode()


def test_a_link_never_leaves(client: Client, seller: User) -> None:
    notify.users([seller.pk], cause="evil", title="나쁜 링크", url="//evil.example/", contact_id=9)
    page = client.get("/notifications/").content.decode()
    assert "evil.example" not in page
    assert 'href="/contacts/9/"' in page


def test_the_list_is_filtered(client: Client, seller: User) -> None:
    notify.users([seller.pk], cause="mention:5", title="언급")
    notify.users([seller.pk], cause="task:7:2026", title="할 일")
    notify.mark_read(seller.pk, [Notification.objects.get(title="언급").pk])

    def shown(kind: str) -> list[str]:
        return re.findall(r">(리드 \d|언급|할 일)</", client.get(f"/notifications/?show={kind}").content.decode().partition('id="notices"')[2])

    assert shown("mention") == ["언급"]
    assert shown("task") == ["할 일"]
    assert shown("unread") == ["할 일", "리드 2", "리드 1", "리드 0"]
    assert len(shown("")) == len(shown("nonsense")) == 5
