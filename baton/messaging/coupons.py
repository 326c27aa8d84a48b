"""Coupons: every person gets a code of his own from a pool, the same one however often he is written to, and it is redeemed once."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.mail.sandbox import Fields
from baton.messaging.models import Coupon, CouponCode, CouponPool
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")
MENTION = re.compile(r"\bcoupon\.([a-z][a-z0-9_]*)")
CODE = re.compile(r"[!-~]{1,64}")
LONGEST = 200  # letters of a name
MOST = 100_000  # codes of one call
SAMPLE = "ABCD-1234"  # what previews show

HAD = "SELECT contact_id, code FROM coupon WHERE contact_id = ANY(%s) AND pool_id = %s ORDER BY id"
GIVE = """
INSERT INTO coupon (contact_id, id, pool_id, code, given_at, redeemed_by)
SELECT r.contact_id, r.id, %s, r.code, %s, '' FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS r(contact_id, id, code)
"""
ADD = """
INSERT INTO coupon_code (pool_id, code) SELECT %(pool)s, n.code FROM unnest(%(codes)s::text[]) AS n(code)
WHERE NOT EXISTS (SELECT 1 FROM coupon c WHERE c.pool_id = %(pool)s AND c.code = n.code) ON CONFLICT (pool_id, code) DO NOTHING
"""
COUNTS = """
SELECT p.key, (SELECT count(*) FROM coupon_code k WHERE k.pool_id = p.id), (SELECT count(*) FROM coupon c WHERE c.pool_id = p.id),
    (SELECT count(*) FROM coupon c WHERE c.pool_id = p.id AND c.redeemed_at IS NOT NULL)
FROM coupon_pool p WHERE CASE WHEN %(pools)s::bigint[] IS NULL THEN p.archived_at IS NULL ELSE p.id = ANY(%(pools)s::bigint[]) END ORDER BY p.key
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How many codes of a pool nobody has, how many people have one, and how many of those were redeemed."""

    free: int = 0
    given: int = 0
    redeemed: int = 0


def create(key: str, name: str, actor: Actor, codes: Sequence[str] = ()) -> CouponPool:
    """A new pool with its first codes. Raises Invalid (`key`, `name`, `codes.<n>`), Conflict (the key is taken)."""
    if not KEY.fullmatch(key):
        raise Invalid.one("key", "INVALID_NAME", _("Small letters, digits and underscores, beginning with a letter."))
    called = _name(name)
    with transaction.atomic():
        if CouponPool.objects.filter(key=key).exists():
            raise Conflict(_("There are coupons with this key already."))
        pool = CouponPool.objects.create(key=key, name=called, created_by=str(actor))
        history.record(actor, "created", "coupon_pool", pool.pk, key=key)
        if codes:
            add(key, codes, actor)
    return pool


def _name(name: str) -> str:
    found = " ".join(name.split())
    if not found or "\0" in found:
        raise Invalid.one("name", "REQUIRED", _("Give the coupons a name."))
    if len(found) > LONGEST:
        raise Invalid.one("name", "TOO_LONG", _("At most {most} letters.").format(most=LONGEST))
    return found


def rename(pool_id: int, name: str, actor: Actor) -> CouponPool:
    """Call it otherwise; its key, which mails say, stays. Raises NotFound, Invalid (`name`)."""
    called = _name(name)
    with transaction.atomic():
        pool = get(pool_id, lock=True)
        if pool.name != called:
            history.record(actor, "renamed", "coupon_pool", pool_id, name=[pool.name, called])
            CouponPool.objects.filter(pk=pool_id).update(name=called)
            pool.name = called
    return pool


def archive(pool_id: int, actor: Actor) -> None:
    """Give no more codes of this pool. Those given can still be redeemed. Raises NotFound."""
    _archived(pool_id, clock.now(), "archived", actor)


def restore(pool_id: int, actor: Actor) -> None:
    """Give codes of it again. Raises NotFound."""
    _archived(pool_id, None, "restored", actor)


def _archived(pool_id: int, at: datetime | None, verb: str, actor: Actor) -> None:
    with transaction.atomic():
        pool = get(pool_id, lock=True)
        if (pool.archived_at is None) != (at is None):
            CouponPool.objects.filter(pk=pool_id).update(archived_at=at)
            history.record(actor, verb, "coupon_pool", pool_id)


def get(pool_id: int, *, lock: bool = False) -> CouponPool:
    """Raises NotFound."""
    known = CouponPool.objects.select_for_update() if lock else CouponPool.objects
    found = known.filter(pk=pool_id).first()
    if found is None:
        raise NotFound(_("There are no such coupons."))
    return found


def add(key: str, codes: Sequence[str], actor: Actor) -> int:
    """Put codes into a pool; returns how many are new: one that is in it, or that somebody has, stays as it is. Raises NotFound, Invalid (`codes.<n>`)."""
    pool = by_key(key)
    if len(codes) > MOST:
        raise Invalid.one("codes", "TOO_MANY", _("At most {most}.").format(most=f"{MOST:,}"))
    for number, code in enumerate(codes):
        if not isinstance(code, str) or not CODE.fullmatch(code):
            raise Invalid.one(f"codes.{number}", "INVALID_TEXT", _("A code has 1 to 64 letters, digits or signs, and no blanks."))
    with transaction.atomic():
        new = sql.run(ADD, {"pool": pool.pk, "codes": sorted({*codes})})
        history.record(actor, "codes_added", "coupon_pool", pool.pk, n=new)
    return new


def mentioned(*sources: str) -> set[str]:
    """The keys of the pools that templates read: `{{ coupon.spring }}`."""
    return {key for source in sources for key in MENTION.findall(source)}


def given(keys: Collection[str], contact_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """A code of each pool for each contact: the one he has, or a new one, in the caller's transaction. Who finds a pool empty is left out of it."""
    found: dict[int, dict[str, str]] = {contact_id: {} for contact_id in contact_ids}
    with transaction.atomic():
        for key, pool_id, archived_at in CouponPool.objects.filter(key__in=keys).values_list("key", "pk", "archived_at"):
            had = dict(sql.rows(HAD, [list(contact_ids), pool_id]))
            if archived_at is None:
                had |= _new(pool_id, sorted({*contact_ids} - had.keys()))
            for contact_id, code in had.items():
                found[contact_id][key] = code
    return found


def _new(pool_id: int, contact_ids: Sequence[int]) -> dict[int, str]:
    """New codes for these; whoever takes codes at the same time gets others. Who gets the last ones is chance."""
    if not contact_ids:
        return {}
    free = CouponCode.objects.select_for_update(skip_locked=True).filter(pool_id=pool_id).values_list("code", flat=True)[: len(contact_ids)]
    given = dict(zip(contact_ids, free, strict=False))
    if given:
        sql.run("DELETE FROM coupon_code WHERE pool_id = %s AND code = ANY(%s)", [pool_id, list(given.values())])
        sql.run(GIVE, [pool_id, clock.now(), list(given), sql.next_ids("record_id_seq", len(given)), list(given.values())])
    return given


def values(codes: dict[str, str]) -> Fields:
    """As a template reads them."""
    return Fields(codes)


def samples(keys: Collection[str]) -> Fields:
    """What previews and tests show instead: nobody's code."""
    return Fields(dict.fromkeys(keys, SAMPLE))


def redeem(key: str, code: str, actor: Actor) -> Coupon:
    """Somebody used his code. Raises NotFound (nobody has it), Conflict (it was used before)."""
    pool = by_key(key)
    with transaction.atomic():
        found = Coupon.objects.filter(pool_id=pool.pk, code=code).values_list("contact_id", "id").first()
        if found is None:
            raise NotFound(_("Nobody has this code."))
        coupon = Coupon.objects.select_for_update().get(contact_id=found[0], id=found[1])
        if coupon.redeemed_at is not None:
            raise Conflict(_("This code was redeemed before."))
        coupon.redeemed_at, coupon.redeemed_by = clock.now(), str(actor)
        Coupon.objects.filter(contact_id=coupon.contact_id, id=coupon.id).update(redeemed_at=coupon.redeemed_at, redeemed_by=coupon.redeemed_by)
        history.record(actor, "redeemed", "coupon_pool", pool.pk, contact=coupon.contact_id, code=code)
    return coupon


def counts(pools: Collection[int] | None = None) -> dict[str, Count]:
    """Of these pools, or of all that give codes, by key."""
    rows: list[tuple[Any, ...]] = sql.rows(COUNTS, {"pools": None if pools is None else list(pools)})
    return {key: Count(*numbers) for key, *numbers in rows}


def by_key(key: str) -> CouponPool:
    """Raises NotFound."""
    found = CouponPool.objects.filter(key=key).first()
    if found is None:
        raise NotFound(_("There are no such coupons."))
    return found
