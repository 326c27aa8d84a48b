"""Everybody gets a code of his own, the same one again, and it is redeemed once."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts.models import Account
from baton.messaging import coupon_list, coupons, outbox
from baton.messaging.mail import emails, letters, mail_checks, merge_fields, render
from baton.messaging.mail.letters import Recipient
from baton.messaging.models import CouponCode, CouponPool, Message
from baton.messaging.outbox import NewMessage
from baton.messaging.sending import delivery
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


def test_codes_are_read_from_texts_and_files_and_made_after_a_pattern() -> None:
    assert coupon_list.typed(" A1, A2;\nA3\tA4 ") == ["A1", "A2", "A3", "A4"]
    assert coupon_list.typed(" \n") == []
    assert coupon_list.read("번호,쿠폰 코드\n1,가1-X\n2, B2 \n\n".encode("cp949")) == ["가1-X", "B2"]
    assert coupon_list.read(b"A1\r\nA2\r\n") == ["A1", "A2"]
    for empty in (b"", b"code\n"):
        with pytest.raises(Invalid):
            coupon_list.read(empty)
    pool = coupons.create("own", "우리 것", SYSTEM)
    assert coupon_list.make(pool, "B#-******", 300, SYSTEM) == 300
    assert all(re.fullmatch(r"B\d-[A-HJ-NP-Z2-9]{6}", code) for code in CouponCode.objects.values_list("code", flat=True))
    for pattern, count in (("SPRING", 1), ("****", 1000), ("** **", 1), ("********", 0), ("********", 100_001)):
        with pytest.raises(Invalid):
            coupon_list.make(pool, pattern, count, SYSTEM)
    with pytest.raises(Invalid):
        coupons.create("bad", "x", SYSTEM, ["fine", "not fine"])
    assert not CouponPool.objects.filter(key="bad").exists()


def test_who_has_which_code_page_by_page_and_an_archived_pool_gives_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = coupons.create("spring", "봄", SYSTEM, [f"S{n}" for n in range(6)])
    people = [person(f"c{n}@gaon.example") for n in range(5)]
    mine = {id: codes["spring"] for id, codes in coupons.given(["spring"], people).items()}
    coupons.redeem("spring", mine[people[1]], SYSTEM)
    monkeypatch.setattr(coupon_list, "PAGE", 2)
    seen, before = [], 0
    while True:
        rows, before = coupon_list.page(pool, before=before)
        seen += [(row.contact_id, row.code) for row in rows]
        if not before:
            break
    assert sorted(seen) == sorted(mine.items())
    assert [row.contact_id for row in coupon_list.page(pool, shown="redeemed")[0]] == [people[1]]
    assert people[1] not in {row.contact_id for row in coupon_list.page(pool, shown="open")[0]}
    assert [row.contact_id for row in coupon_list.page(pool, text="c3@gaon.example")[0]] == [people[3]]
    assert [row.contact_id for row in coupon_list.page(pool, text=mine[people[4]])[0]] == [people[4]]
    coupons.archive(pool.pk, SYSTEM)
    assert "spring" not in coupons.counts()
    assert coupons.counts([pool.pk]) == {"spring": coupons.Count(1, 5, 1)}
    late = person("late@gaon.example")
    assert coupons.given(["spring"], [late, people[0]]) == {late: {}, people[0]: {"spring": mine[people[0]]}}
    assert coupons.redeem("spring", mine[people[0]], SYSTEM).redeemed_at
    coupons.restore(pool.pk, SYSTEM)
    assert coupons.given(["spring"], [late])[late]


def test_the_editor_offers_coupons_and_says_when_there_is_none_to_give() -> None:
    def said() -> list[str]:
        return [one.code for one in mail_checks.look(draft) if "COUPON" in one.code]

    draft = {
        "mode": "raw",
        "document": {},
        "subject": "{{ coupon.spring }}",
        "preheader": "",
        "body": "<p>x</p>",
        "text": "",
        "purpose": "transactional",
        "language": "ko",
    }
    assert said() == ["UNKNOWN_COUPON"]
    pool = coupons.create("spring", "봄 할인", SYSTEM)
    assert said() == ["NO_COUPON"]
    coupons.add("spring", ["A1"], SYSTEM)
    assert said() == []
    assert [one.label for one in merge_fields.catalogue() if one.group == "coupon"] == ["봄 할인"]
    coupons.archive(pool.pk, SYSTEM)
    assert said() == ["ARCHIVED_COUPON"]
    assert "coupon.spring" not in {one.name for one in merge_fields.catalogue()}
    assert 'data-field="coupon.spring">봄 할인</span>' in merge_fields.to_chips("<p>{{ coupon.spring }}</p>")


@pytest.mark.urls("baton.api.urls")
def test_a_till_redeems_by_the_api(program: Callable[..., Any]) -> None:  # noqa: F811
    made = program("POST", "/baton/v1/coupons", {"key": "fall", "name": "가을", "codes": ["X1"]})
    assert (made.status_code, made.body["free"]) == (201, 1)
    coupons.given(["fall"], [person()])
    assert program("POST", "/baton/v1/coupons/fall/redeem", {"code": "X1"}).body["code"] == "X1"
    assert program("POST", "/baton/v1/coupons/fall/redeem", {"code": "X1"}).status_code == 409
    assert program("POST", "/baton/v1/coupons/none/redeem", {"code": "X1"}).status_code == 404
    assert program("POST", "/baton/v1/coupons", {"key": "A b", "name": "x"}).status_code == 400
    changed = program("PATCH", "/baton/v1/coupons/fall", {"name": "가을 할인", "archived": True})
    assert (changed.status_code, changed.body["name"], changed.body["archived"]) == (200, "가을 할인", True)
    assert program("GET", "/baton/v1/coupons").body["results"] == []
    assert program("PATCH", "/baton/v1/coupons/fall", {"name": "x" * 201}).status_code == 400
    assert program("PATCH", "/baton/v1/coupons/fall", {"name": "가을", "archived": False}).body["archived"] is False
    assert program("GET", "/baton/v1/coupons").body["results"] == [{"key": "fall", "name": "가을", "free": 0, "given": 1, "redeemed": 1}]
