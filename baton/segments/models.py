"""Lists and scores: their definitions (local) and their results (by contact)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Segment(models.Model):
    """A list. `active` follows its filter; `fixed` changes by hand only."""

    name = models.TextField()
    kind = models.TextField(default="active")  # active, fixed
    filter = models.JSONField(default=dict)  # the stored filter language, see filter.py
    depends = models.JSONField(default=dict)  # what wakes it: {"properties": [], "events": [], "segments": [], ...}
    evaluated_at = models.DateTimeField(null=True)  # windows were right at this moment
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "segment"


class Membership(models.Model):
    pk = models.CompositePrimaryKey("contact_id", "segment_id")
    contact_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    joined_at = models.DateTimeField()
    reason = models.TextField(default="filter")  # filter, or the actor who added the contact by hand

    class Meta:
        db_table = "membership"
        indexes = [models.Index(fields=["segment_id", "contact_id"], name="membership_segment")]


class ScoreModel(models.Model):
    """How leads are scored. The first one decides the life-cycle stage."""

    name = models.TextField()
    mql = models.IntegerField(default=35)
    sql = models.IntegerField(default=65)
    version = models.IntegerField(default=1)
    evaluated_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "score_model"


class ScoreRule(models.Model):
    """A state rule: holds now or not, and is worth its points while it holds."""

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rules")
    key = models.TextField()  # stable name: "demo_request"
    group = models.TextField()  # fit_person, fit_company, form, web, email, minus
    filter = models.JSONField()
    points = models.IntegerField()
    each = models.BooleanField(default=False)  # points for every time it happened, not once
    cap = models.IntegerField(null=True)  # most points (or least, when negative) this rule gives one contact
    active = models.BooleanField(default=True)
    position = models.IntegerField(default=0)
    depends = models.JSONField(default=dict)

    class Meta:
        db_table = "score_rule"
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="score_rule_key")]
        ordering = ["position", "id"]


class Score(models.Model):
    """A contact's points now, with the reasons: {"<rule id>": [times, points]} for every rule that holds."""

    pk = models.CompositePrimaryKey("contact_id", "model_id")
    contact_id = models.BigIntegerField()
    model_id = models.BigIntegerField()
    total = models.IntegerField()
    fit = models.IntegerField(default=0)
    engagement = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "score"
        indexes = [models.Index(fields=["model_id", "-total", "-contact_id"], name="score_total")]


class BulkChange(models.Model):
    """One change of many records that somebody asked for: an edit, a list, or archiving. Local."""

    object_type = models.TextField()
    action = models.TextField()  # set, archive, add_to_list
    detail = models.JSONField(default=dict)  # {"properties": {name: value}}, {"segment": id} or {}
    find = models.JSONField(null=True)  # {"filter": stored filter or {}, "text": words}; null: the records are named in a part
    user_id = models.BigIntegerField()
    total = models.IntegerField()  # how many were counted when it was asked for
    done = models.IntegerField(default=0)  # looked at so far
    reached = models.BigIntegerField(null=True)  # of all that a filter finds, in the order of ids: the last one looked at
    changed = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)  # a value that did not fit, or a record that is not his to change
    fault = models.TextField(default="")  # the first reason
    state = models.TextField(default="waiting")  # waiting, running, done, failed, undoing, undone
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "bulk_change"
        indexes = [models.Index(fields=["user_id", "-id"], name="bulk_change_user")]


class BulkPart(models.Model):
    """Some of the records of a bulk change: those that were changed, so that it can be taken back."""

    bulk = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="parts")
    ids = ArrayField(models.BigIntegerField())
    done = models.BooleanField(default=False)  # else named and waiting

    class Meta:
        db_table = "bulk_part"
