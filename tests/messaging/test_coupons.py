"""Everybody gets a code of his own, the same one again, and it is redeemed once."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts.models import Account
from baton.messaging import coupons, delivery, emails, letters, outbox, render
from baton.messaging.letters import Recipient
from baton.messaging.models import Message
from baton.messaging.outbox import NewMessage
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict, Invalid, NotFound
from tests.api.conftest import everything, program  # noqa: F401  # fixtures
from tests.messaging.conftest import parsed, person
from tests.messaging.relay import Relay

pytestmark = pytest.mark.django_db
BODY = "<p>쿠폰: <b>{{ coupon.spring }}</b></p>"


def test_a_code_goes_to_one_person_and_is_redeemed_once(relay: Relay, nuriwork: Account) -> None:
    Account.objects.filter(pk=nuriwork.pk).update(phone="02-1", contact_email="help@nuriwork.example")
    coupons.create("spring", "봄 할인", SYSTEM)
    assert coupons.add("spring", ["AAA-1", "AAA-2", "AAA-2"], SYSTEM) == 2
    mail = emails.create("쿠폰", SYSTEM, subject="봄 쿠폰 {{ coupon.spring }}", body=BODY)
    first, second, third = (person(f"c{n}@gaon.example") for n in range(3))
    assert "ABCD-1234" in render.mail(mail, [first])[0].html
    assert "ABCD-1234" in letters.build(mail.pk, 1, [Recipient(first, 0)])[0].html
    assert coupons.counts()["spring"] == coupons.Count(2, 0, 0)
    for cause, people in (("test:1", [first, second]), ("test:2", [first, third])):
        outbox.add([NewMessage(id, mail.pk, cause) for id in people])
        while delivery.deliver():
            pass
    codes: dict[str, set[str]] = {}
    for to, raw in relay.mails:
        codes.setdefault(to, set()).add(parsed(raw)["subject"].rpartition(" ")[2])
    assert sorted(codes) == ["c0@gaon.example", "c1@gaon.example"]
    assert sorted(code for one in codes.values() for code in one) == ["AAA-1", "AAA-2"]
    left_out = Message.objects.get(contact_id=third)
    assert (left_out.state, left_out.reason) == ("failed", "no_coupon")
    [mine] = codes["c0@gaon.example"]
    assert coupons.redeem("spring", mine, SYSTEM).contact_id == first
    with pytest.raises(Conflict):
        coupons.redeem("spring", mine, SYSTEM)
    with pytest.raises(NotFound):
        coupons.redeem("spring", "ZZZ", SYSTEM)
    assert coupons.add("spring", [mine, "AAA-3"], SYSTEM) == 1
    assert coupons.counts()["spring"] == coupons.Count(1, 2, 1)
    with pytest.raises(Invalid):
        coupons.add("spring", ["two words"], SYSTEM)


@pytest.mark.urls("baton.api.urls")
def test_a_till_redeems_by_the_api(program: Callable[..., Any]) -> None:  # noqa: F811
    made = program("POST", "/baton/v1/coupons", {"key": "fall", "name": "가을", "codes": ["X1"]})
    assert (made.status_code, made.body["free"]) == (201, 1)
    coupons.given(["fall"], [person()])
    assert program("POST", "/baton/v1/coupons/fall/redeem", {"code": "X1"}).body["code"] == "X1"
    assert program("POST", "/baton/v1/coupons/fall/redeem", {"code": "X1"}).status_code == 409
    assert program("POST", "/baton/v1/coupons/none/redeem", {"code": "X1"}).status_code == 404
    assert program("POST", "/baton/v1/coupons", {"key": "A b", "name": "x"}).status_code == 400
    assert program("GET", "/baton/v1/coupons").body["results"] == [{"key": "fall", "name": "가을", "free": 0, "given": 1, "redeemed": 1}]
