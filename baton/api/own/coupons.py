"""`/baton/v1/coupons`: pools of codes, and redeeming one where it is used: in a shop, at a till."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Schema, Status

from baton.api import auth
from baton.api.auth import Needs
from baton.crm.values import stamp
from baton.messaging import coupons
from baton.messaging.models import CouponPool

router = Router(tags=["Baton: coupons"])
PATH = "/baton/v1/coupons"
READ, WRITE = Needs("emails.read"), Needs("emails.write")
Shape = dict[str, Any]


class Create(Schema):
    """A new pool; mails say `{{ coupon.<key> }}`."""

    key: str
    name: str
    codes: list[str] = []


class Change(Schema):
    """What changes; the rest stays. The key never does."""

    name: str | None = None
    archived: bool | None = None


class Codes(Schema):
    """Codes for a pool."""

    codes: list[str]


class Code(Schema):
    """A code somebody used."""

    code: str


@router.get(PATH, auth=READ, response=Shape, summary="List coupons")
def listing(request: HttpRequest) -> Shape:
    """All pools with how many codes are free, given and redeemed."""
    names = dict(CouponPool.objects.filter(archived_at=None).values_list("key", "name"))
    rows = [{"key": key, "name": names[key], "free": n.free, "given": n.given, "redeemed": n.redeemed} for key, n in coupons.counts().items() if key in names]
    return {"results": rows}


@router.post(PATH, auth=WRITE, response={201: Shape}, summary="Create coupons")
def create(request: HttpRequest, body: Create) -> Status[Shape]:
    """A pool, with its first codes if some are given."""
    pool = coupons.create(body.key, body.name, auth.actor(request), body.codes)
    return Status(201, {"key": pool.key, "name": pool.name, "free": len({*body.codes}), "given": 0, "redeemed": 0})


@router.patch(f"{PATH}/{{key}}", auth=WRITE, response=Shape, summary="Change coupons")
def change(request: HttpRequest, key: str, body: Change) -> Shape:
    """Rename a pool, put it aside (it gives no more codes) or take it back."""
    by = auth.actor(request)
    with transaction.atomic():
        pool = coupons.by_key(key)
        if body.name is not None:
            coupons.rename(pool.pk, body.name, by)
        if body.archived is not None:
            (coupons.archive if body.archived else coupons.restore)(pool.pk, by)
        pool = coupons.get(pool.pk)
    n = coupons.counts([pool.pk])[key]
    return {"key": key, "name": pool.name, "free": n.free, "given": n.given, "redeemed": n.redeemed, "archived": pool.archived_at is not None}


@router.post(f"{PATH}/{{key}}/codes", auth=WRITE, response=Shape, summary="Add codes")
def add(request: HttpRequest, key: str, body: Codes) -> Shape:
    """Codes that are there already, or that somebody has, are left as they are."""
    return {"added": coupons.add(key, body.codes, auth.actor(request))}


@router.post(f"{PATH}/{{key}}/redeem", auth=WRITE, response=Shape, summary="Redeem a code")
def redeem(request: HttpRequest, key: str, body: Code) -> Shape:
    """Once: 404 when nobody has it, 409 when it was used before."""
    found = coupons.redeem(key, body.code, auth.actor(request))
    assert found.redeemed_at is not None
    return {"code": found.code, "contactId": str(found.contact_id), "givenAt": stamp(found.given_at), "redeemedAt": stamp(found.redeemed_at)}
