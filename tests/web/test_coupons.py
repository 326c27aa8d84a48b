"""Coupons, as colleagues see them: pools made in three ways, who has which code, redeeming by hand, and what one may not see."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account, Role
from baton.crm import records
from baton.messaging import coupon_list, coupons
from baton.messaging.models import Coupon, CouponCode, CouponPool
from baton.platform.actor import SYSTEM
from baton.platform.models import History

pytestmark = pytest.mark.django_db


def make(web: Client, key: str, **given: Any) -> Any:
    return web.post("/coupons/new/", {"key": key, "name": key.title(), **given})


def toasted(answer: Any) -> str:
    return str(json.loads(answer.headers["HX-Trigger"])["toast"]["text"])


def test_a_pool_is_made_typed_from_a_file_or_by_the_product(web: Client) -> None:
    assert "No coupons yet" in web.get("/coupons/").content.decode()
    assert "****-****" in web.get("/coupons/new/").content.decode()
    for given, fault in (
        ({"way": "paste", "codes": " "}, "Enter at least one code."),
        ({"way": "paste", "codes": "A1\n쿠폰\nA3"}, "Code 2: A code has 1 to 64 letters"),
        ({"way": "file"}, "Choose a file."),
        ({"way": "file", "file": SimpleUploadedFile("c.csv", b"code\n")}, "There are no codes in this file."),
        ({"way": "file", "file": SimpleUploadedFile("c.csv", b"code\nA1\nA 2\n")}, "Code 2: A code has 1 to 64 letters"),
        ({"way": "make", "pattern": "****", "count": "1000"}, "too easy to guess"),
        ({"way": "make", "pattern": "****-****", "count": "many"}, "A number from 1 to 100,000."),
    ):
        refused = make(web, "spring", **given)
        assert refused.status_code == 422
        assert fault in refused.content.decode()
        assert 'value="spring"' in refused.content.decode()  # what was typed stays
    assert "Small letters" in make(web, "Spring", way="make", pattern="****-****", count="10").content.decode()
    assert not CouponPool.objects.exists()
    first = make(web, "spring", way="paste", codes="A1, A2\nA3")
    assert make(web, "spring", way="paste", codes="B1").status_code == 422  # the key is taken
    make(web, "file", way="file", file=SimpleUploadedFile("c.csv", "이름,쿠폰 코드\n봄,X-1\n봄,X-2\n".encode("cp949")))
    make(web, "own", way="make", pattern="OWN-######-****", count="1,200")
    assert {key: count.free for key, count in coupons.counts().items()} == {"spring": 3, "file": 2, "own": 1200}
    listed = web.get("/coupons/").content.decode()
    assert "1,200" in listed
    assert "coupon.spring" in listed

    url = first.headers["HX-Redirect"]
    assert "{{ coupon.spring }}" in web.get(url).content.decode()
    added = web.post(f"{url}codes/", {"way": "paste", "codes": "A3 A4"})
    assert toasted(added) == "1 code is new. 1 was there already."
    assert web.post(f"{url}codes/", {"way": "paste", "codes": ""}).status_code == 422
    assert web.post(f"{url}do/", {"do": "archive"}).status_code == 204
    assert "coupon.spring" not in web.get("/coupons/").content.decode()
    assert "coupon.spring" in web.get("/coupons/?archived=1").content.decode()
    assert "nobody gets a code of it any more" in web.get(url).content.decode()
    web.post(f"{url}do/", {"do": "restore"})
    assert web.post(f"{url}do/", {"do": "dance"}).status_code == 422
    verbs = History.objects.filter(subject_type="coupon_pool", subject_id=url.split("/")[2]).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["created", "codes_added", "codes_added", "archived", "restored"]
    refused = web.post(f"{url}name/", {"name": " "})
    assert (refused.status_code, "Give the coupons a name." in refused.content.decode()) == (422, True)
    assert web.post(f"{url}name/", {"name": "봄 할인 20%"}).headers["HX-Redirect"] == url
    assert "봄 할인 20%" in web.get("/coupons/").content.decode()
    told = web.get(f"{url}history/").content.decode()
    assert told.index("renamed it from “Spring”") < told.index("took it back") < told.index("put it aside") < told.index("put 1 code in")
    assert "오세린" in told
    assert web.get("/coupons/999999/").status_code == 404


def test_who_has_which_code_and_redeeming_it_once(web: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [records.create("contact", {"email": f"c{n}@gaon.example", "lastname": f"김{n}"}, actor=SYSTEM, source="test") for n in range(5)]
    pool = coupons.create("spring", "봄", SYSTEM, [f"S-{n}" for n in range(5)])
    codes = {id: given["spring"] for id, given in coupons.given(["spring"], people).items()}
    url = f"/coupons/{pool.pk}/"
    assert "No code is left." in (page := web.get(url).content.decode())
    assert all(code in page for code in codes.values())
    done = web.post(f"{url}redeem/", {"code": codes[people[0]]}, headers={"HX-Target": "form#redeem-form"})
    assert "김0" in done.content.decode()
    assert json.loads(done.headers["HX-Trigger"])["coupons-changed"] is True
    for code, fault in ((codes[people[0]], "redeemed before"), ("NONE", "Nobody has this code."), ("", "Enter a code.")):
        refused = web.post(f"{url}redeem/", {"code": code}, headers={"HX-Target": "form#redeem-form"})
        assert (refused.status_code, fault in refused.content.decode()) == (422, True)
    assert toasted(web.post(f"{url}redeem/", {"code": codes[people[1]]})) == f"{codes[people[1]]} is redeemed."
    assert web.post(f"{url}redeem/", {"code": codes[people[1]]}).status_code == 409
    assert {row.contact_id for row in Coupon.objects.exclude(redeemed_at=None)} == {*people[:2]}
    part = {"HX-Target": "div#coupon-body"}
    redeemed = web.get(f"{url}?shown=redeemed", headers=part).content.decode()
    assert "<html" not in redeemed
    assert "오세린" in redeemed
    assert [f"/contacts/{id}/" in redeemed for id in people] == [True, True, False, False, False]
    assert f"/contacts/{people[3]}/" in (one := web.get(f"{url}?q=c3@gaon.example", headers=part).content.decode())
    assert codes[people[2]] not in one
    assert f"/contacts/{people[2]}/" in web.get(f"{url}?q={codes[people[2]]}", headers=part).content.decode()
    assert "No code of this pool fits." in web.get(f"{url}?q=nothing", headers=part).content.decode()

    monkeypatch.setattr(coupon_list, "PAGE", 3)
    begun = web.get(url).content.decode()
    following = begun.partition('<a class="btn small" href="?before=')[2].partition('"')[0]
    rest = web.get(f"{url}?before={following}").content.decode()
    assert [(f"/contacts/{id}/" in begun) + (f"/contacts/{id}/" in rest) for id in people] == [1] * 5


def test_whom_one_may_not_see_has_no_name_and_no_code_here(account: Account) -> None:
    Role.objects.create(key="own", name="own", rights={"contact": {"view": "own"}}, areas={"emails": "edit"})
    me = users.create("me@nuriwork.example", "나", "a-long-enough-one", "own", actor=SYSTEM)
    mine, hers = (
        records.create("contact", {"email": f"{name}@gaon.example", "lastname": name, **more}, actor=SYSTEM, source="test")
        for name, more in (("mine", {"owner_id": me.pk}), ("hers", {}))
    )
    pool = coupons.create("spring", "봄", SYSTEM, ["S-1", "S-2"])
    codes = {id: given["spring"] for id, given in coupons.given(["spring"], [mine, hers]).items()}
    web = Client(headers={"accept-language": "en"})
    web.force_login(me)
    page = web.get(f"/coupons/{pool.pk}/").content.decode()
    assert codes[mine] in page
    assert codes[hers] not in page
    assert page.count("Somebody you may not see") == 1
    assert "No code of this pool fits." in web.get(f"/coupons/{pool.pk}/?q=hers@gaon.example").content.decode()
    told = web.post(f"/coupons/{pool.pk}/redeem/", {"code": codes[hers]}, headers={"HX-Target": "form#redeem-form"}).content.decode()
    assert "Somebody you may not see" in told
    assert "hers" not in told


def test_who_may_only_look_changes_nothing(account: Account) -> None:
    pool = coupons.create("spring", "봄", SYSTEM, ["S-1"])
    Role.objects.create(key="reader", name="reader", rights={"contact": {"view": "all"}}, areas={"emails": "view"})
    web = Client(headers={"accept-language": "en"})
    web.force_login(users.create("reader@nuriwork.example", "읽", "a-long-enough-one", "reader", actor=SYSTEM))
    assert "Add codes" not in web.get(f"/coupons/{pool.pk}/").content.decode()
    for place in ("new/", f"{pool.pk}/name/", f"{pool.pk}/codes/", f"{pool.pk}/redeem/", f"{pool.pk}/do/"):
        assert web.post(f"/coupons/{place}", {"do": "archive", "code": "S-1", "way": "paste", "codes": "X"}).status_code == 403
    assert CouponCode.objects.count() == 1
    assert "made the pool" in web.get(f"/coupons/{pool.pk}/history/").content.decode()
