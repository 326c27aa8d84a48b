"""What every channel and every kind of transport keeps, whichever it is; and a channel of one file that nothing else knows of."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from baton.accounts.models import Account, User
from baton.crm import records
from baton.messaging import channel as contract
from baton.messaging import outbox
from baton.messaging.channel import Channel, Setting
from baton.messaging.incoming import receipts
from baton.messaging.models import Email, Inbound, Message, Notification, Outbox, Suppression
from baton.messaging.sending import delivery, transport
from baton.messaging.sending.transport import Carrier
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from tests.contracts.fake_provider import FakeSms

pytestmark = pytest.mark.django_db
KINDS = {"text", "number", "secret", "switch", "choice"}


@pytest.mark.parametrize("key", ["email", "in_app"])
def test_a_channel_says_what_it_is_and_where_it_writes(key: str) -> None:
    found = contract.channels()[key]
    assert found.key == key
    assert sql.rows(f"SELECT {found.address} FROM contact c WHERE false") == []
    _in_both_languages(found.label, found.settings)
    assert found.pause(None) == 0


@pytest.mark.parametrize(("kind", "carrier"), sorted(transport.kinds().items()))
def test_a_transport_says_what_it_asks_for(kind: str, carrier: type[Carrier]) -> None:
    assert kind == carrier.kind
    _in_both_languages(carrier.label, carrier.settings)
    required = [s.key for s in carrier.settings if s.required]
    if required:
        with pytest.raises(Invalid) as raised:
            transport.make(kind, {}, {})
        assert [p.path for p in raised.value.problems] == required


def _in_both_languages(label: Any, settings: tuple[Setting, ...]) -> None:
    keys = [setting.key for setting in settings]
    assert len(keys) == len(set(keys))
    for setting in settings:
        assert setting.kind in KINDS
        assert bool(setting.options) == (setting.kind == "choice")
    for language in ("en", "ko"):
        with translation.override(language):
            assert str(label).strip()
            assert all(str(setting.label).strip() for setting in settings)


@pytest.fixture
def note(account: Account) -> Email:
    return Email.objects.create(name="알림", subject="{{ contact.firstname }} 님이 기다립니다", body="<p>전화해 주세요</p>", purpose="transactional")


def test_a_notice_in_baton_is_a_message_like_any_other(note: Email) -> None:
    owner = User.objects.create_user("han@nuriwork.example", name="한도윤")
    mine = records.create("contact", {"firstname": "지우"}, actor=SYSTEM, source="test", owner_id=owner.pk)
    nobodys = records.create("contact", {"firstname": "하나"}, actor=SYSTEM, source="test")
    outbox.add([outbox.NewMessage(c, note.pk, "test") for c in (mine, nobodys)], channel="in_app")
    while delivery.deliver():
        pass
    assert dict(Message.objects.values_list("contact_id", "state")) == {mine: "sent", nobodys: "skipped"}
    notice = Notification.objects.get()
    assert (notice.user_id, notice.title, notice.contact_id) == (owner.pk, "지우 님이 기다립니다", mine)
    assert "전화해 주세요" in notice.body


Use = Callable[[Callable[[list[dict[str, str]]], list[dict[str, Any]]]], FakeSms]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Put the provider in place of a channel's registry entry."""

    def install(call: Callable[[list[dict[str, str]]], list[dict[str, Any]]]) -> FakeSms:
        made = FakeSms(call)
        original: Callable[[str], Channel] = contract.channel
        found: Callable[[str], Channel] = lambda key: made if key == "fake_sms" else original(key)  # noqa: E731  # as short as what it replaces
        for module in ("channel", "sending.window", "sending.delivery", "sending.chunks"):
            monkeypatch.setattr(f"baton.messaging.{module}.channel", found)
        return made

    return install


def people(n: int) -> list[int]:
    return [records.create("contact", {"firstname": f"지우{i}", "mobilephone": f"+8210123400{i:02}"}, actor=SYSTEM, source="test") for i in range(n)]


def test_text_messages_are_one_file(note: Email, use: Use) -> None:
    asked: list[dict[str, str]] = []

    def call(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        asked.extend(rows)
        ends = {"00": {"ok": True, "id": "k1"}, "01": {"ok": False, "code": 550, "why": "no such user"}, "02": {"ok": False, "code": 429, "why": "slow down"}}
        return [ends[row["to"][-2:]] for row in rows]

    channel = use(call)
    good, dead, busy = people(3)
    outbox.add([outbox.NewMessage(c, note.pk, "test") for c in (good, dead, busy)], channel="fake_sms")
    while delivery.deliver():
        pass
    assert sorted(row["text"] for row in asked) == ["지우0 님이 기다립니다", "지우1 님이 기다립니다", "지우2 님이 기다립니다"]
    assert dict(Message.objects.values_list("contact_id", "state")) == {good: "sent", dead: "bounced", busy: "queued"}
    assert Suppression.objects.get(contact_id=dead).channel == "fake_sms"

    message = Message.objects.get(contact_id=good)
    told = json.dumps([{"what": "delivered", "contact": good, "message": message.id}]).encode()
    with pytest.raises(Invalid):
        channel.receipts(Inbound(source="x", key="1", body=told, headers={}, at=clock.now()))
    receipts.take(channel.receipts(Inbound(source="x", key="1", body=told, headers={"x-secret": "geheim"}, at=clock.now())))
    message.refresh_from_db()
    assert message.state == "delivered"


@pytest.mark.parametrize(("error", "state", "waits"), [(TimeoutError("no answer"), "unknown", False), (ConnectionRefusedError("refused"), "queued", True)])
def test_what_a_provider_may_have_is_unknown_and_what_it_cannot_have_waits(note: Email, use: Use, error: OSError, state: str, waits: bool) -> None:
    def call(_rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        raise error

    use(call)
    [one] = people(1)
    outbox.add([outbox.NewMessage(one, note.pk, "test")], channel="fake_sms")
    delivery.deliver()
    assert (Message.objects.get().state, Outbox.objects.exists()) == (state, waits)


def test_a_channel_that_breaks_its_contract_leaves_messages_that_may_have_arrived(note: Email, use: Use) -> None:
    def call(_rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        raise ZeroDivisionError

    use(call)
    [one] = people(1)
    outbox.add([outbox.NewMessage(one, note.pk, "test")], channel="fake_sms")
    delivery.deliver()
    assert Message.objects.get().state == "unknown"
    assert not Outbox.objects.exists()
