"""Merges with what they moved, so that they can be undone; and which records look like one."""

from django.db import models


class Merge(models.Model):
    """Two records that became one. `record_id` is the one that stayed.

    `kept` says what belonged to whom, by part of the data map (crm/datamap.py); it is as personal as the records themselves.
    """

    pk = models.CompositePrimaryKey("record_id", "id")
    record_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('record_id_seq')
    gone_id = models.BigIntegerField()
    object_type = models.TextField()
    title = models.TextField()  # what the one that went was called
    changed = models.JSONField(default=dict)  # property -> [value before, value after] of the one that stayed
    kept = models.JSONField(default=dict)
    actor = models.TextField()
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.TextField(default="")

    class Meta:
        db_table = "merge"
        indexes = [models.Index(fields=["id"], name="merge_id"), models.Index(fields=["gone_id"], name="merge_gone")]


class LikeKey(models.Model):
    """A trait by which records are found that look alike: kind and hash of the trait, never the value."""

    pk = models.CompositePrimaryKey("record_id", "kind", "value")
    record_id = models.BigIntegerField()
    kind = models.SmallIntegerField()  # duplicates/traits.py
    value = models.BigIntegerField()  # a hash over object type and trait

    class Meta:
        db_table = "like_key"
        indexes = [models.Index(fields=["value", "kind", "record_id"], name="like_key_value")]


class Likeness(models.Model):
    """Two records that look like one; `record_id` is the smaller id."""

    pk = models.CompositePrimaryKey("record_id", "other_id")
    record_id = models.BigIntegerField()
    other_id = models.BigIntegerField()
    object_type = models.TextField()
    score = models.SmallIntegerField()  # 1 to 100
    reasons = models.JSONField(default=list)  # names of traits
    at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)  # somebody said: not the same
    dismissed_by = models.TextField(default="")

    class Meta:
        db_table = "likeness"
        indexes = [
            models.Index(fields=["object_type", "-score", "-record_id", "-other_id"], condition=models.Q(dismissed_at=None), name="likeness_inbox"),
            models.Index(fields=["other_id"], name="likeness_other"),
        ]


class LikeDue(models.Model):
    """A record whose traits changed and were not looked at yet, by bucket."""

    pk = models.CompositePrimaryKey("bucket", "id")
    bucket = models.SmallIntegerField()
    id = models.BigIntegerField(db_default=models.expressions.RawSQL("nextval('change_id_seq')", ()))
    record_id = models.BigIntegerField()
    object_type = models.TextField()

    class Meta:
        db_table = "like_due"


class Blocked(models.Model):
    """An e-mail address of somebody who wanted to be forgotten: only its keyed hash. Local."""

    digest = models.TextField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()

    class Meta:
        db_table = "blocked"
