"""Codes that are worth something: a pool of them, those nobody has yet, and who got which."""

from django.db import models


class CouponPool(models.Model):
    """Codes for one purpose. Mails say `{{ coupon.<key> }}`. Local table."""

    key = models.TextField(unique=True)  # small letters, digits, underscore; never renamed
    name = models.TextField()
    created_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)  # gives no more codes; those given can still be redeemed

    class Meta:
        db_table = "coupon_pool"


class CouponCode(models.Model):
    """A code that nobody has yet. Local table."""

    pk = models.CompositePrimaryKey("pool_id", "code")
    pool_id = models.BigIntegerField()
    code = models.TextField()

    class Meta:
        db_table = "coupon_code"


class Coupon(models.Model):
    """A code that a person has, and whether it was redeemed. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('record_id_seq')
    pool_id = models.BigIntegerField()
    code = models.TextField()
    given_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True)
    redeemed_by = models.TextField(default="")

    class Meta:
        db_table = "coupon"
        indexes = [
            models.Index(fields=["pool_id", "code"], name="coupon_code_given"),
            models.Index(fields=["pool_id", "id"], name="coupon_by_pool"),
            models.Index(fields=["pool_id", "id"], name="coupon_redeemed", condition=models.Q(redeemed_at__isnull=False)),
        ]
