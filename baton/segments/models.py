"""Lists and scores: their definitions (local) and their results (by contact)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Segment(models.Model):
    """A list. `active` follows its filter; `fixed` changes by hand only."""

    name = models.TextField()
    kind = models.TextField(default="active")  # active, fixed
    filter = models.JSONField(default=dict)  # the stored filter language, see filter.py
    depends = models.JSONField(default=dict)  # what wakes it: {"properties": [], "events": [], "segments": [], ...}
    description = models.TextField(blank=True, default="")
    role = models.TextField(blank=True, default="")  # "", exclusion (offered as one block to leave people out), persona (shown on the contacts who fit)
    preset = models.TextField(blank=True, default="")  # key of the preset it was made from
    created_by = models.TextField(default="system")
    evaluated_at = models.DateTimeField(null=True)  # windows were right at this moment
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "segment"


class SegmentDay(models.Model):
    """How large a list was at the end of a day of the account, and how many came and went on it. Local."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    members = models.IntegerField()
    joined = models.IntegerField(default=0)
    departed = models.IntegerField(default=0)

    class Meta:
        db_table = "segment_day"
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="segment_day_once")]


class Membership(models.Model):
    pk = models.CompositePrimaryKey("contact_id", "segment_id")
    contact_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    joined_at = models.DateTimeField()
    reason = models.TextField(default="filter")  # filter (filter:0:2: by these alternatives), or the actor who added the contact by hand

    class Meta:
        db_table = "membership"
        indexes = [models.Index(fields=["segment_id", "contact_id"], name="membership_segment")]


class Pin(models.Model):
    """Somebody put a contact in an active list or kept him out of it by hand: that wins over the filter until it is taken back."""

    pk = models.CompositePrimaryKey("contact_id", "segment_id")
    contact_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    side = models.TextField()  # in, out
    actor = models.TextField()
    why = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "membership_pin"
        indexes = [models.Index(fields=["segment_id", "contact_id"], name="membership_pin_segment")]


class ScoreModel(models.Model):
    """A lead score: how contacts, or companies, are given points. What holds now; drafts and the past are versions."""

    key = models.TextField(unique=True)  # small letters, digits, underscore; never renamed
    name = models.TextField()
    object_type = models.TextField(default="contact")  # contact, company
    people = models.JSONField(null=True)  # of a company's score: {"model": key, "how": sum | average | highest | count, "at_least": points}
    groups = models.JSONField(default=list)  # [{"key", "label", "side": fit | engagement, "cap": most points or null}]
    bands = models.JSONField(default=list)  # [{"key", "label", "at_least"}], lowest first; below the first there is none
    version = models.IntegerField(default=1)  # the published one
    position = models.IntegerField(default=0)  # the first of contacts is the one that tables and records show
    evaluated_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "score_model"
        ordering = ["position", "id"]

    def begins(self, band: str) -> int | None:
        """From how many points a band begins; None: the score has no such band."""
        return next((int(b["at_least"]) for b in self.bands if b["key"] == band), None)


class ScoreVersion(models.Model):
    """The whole of a score at one time (see card.py): a draft, or what was published and when. Local."""

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    state = models.TextField(default="draft")  # draft, reviewed, published, replaced
    content = models.JSONField()
    note = models.TextField(blank=True, default="")
    created_by = models.TextField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    reviewed_by = models.TextField(blank=True, default="")
    reviewed_at = models.DateTimeField(null=True)
    published_by = models.TextField(blank=True, default="")
    published_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "score_version"
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="score_version_number"),
            models.UniqueConstraint(fields=["model"], condition=models.Q(state__in=["draft", "reviewed"]), name="score_version_draft"),
        ]
        ordering = ["-number"]


class ScoreRule(models.Model):
    """A published rule. `state` rules give their points while they hold; `event` rules for each time something happened. Fields as in card.Rule.

    A rule that a later version leaves out stays, switched off, so that old points can still be explained.
    """

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rules")
    key = models.TextField()  # stable name: "demo_request"
    group = models.TextField()
    kind = models.TextField(default="state")  # state, event
    filter = models.JSONField()
    points = models.IntegerField()
    times = models.IntegerField(null=True)  # of an event rule: the newest so many count
    per_item = models.BooleanField(default=False)  # of an event rule: each page, form, mail ... counts once
    decay = models.JSONField(null=True)  # of an event rule: {"kind": half | linear, "days": n}
    expires_days = models.IntegerField(null=True)  # of an event rule
    explicit = models.BooleanField(default=False)  # what people said, as opposed to what they did
    active = models.BooleanField(default=True)
    position = models.IntegerField(default=0)
    depends = models.JSONField(default=dict)

    class Meta:
        db_table = "score_rule"
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="score_rule_key")]
        ordering = ["position", "id"]


class Score(models.Model):
    """A contact's points now, with the reasons: {"<rule id>": [times, points]} for every rule that holds, "cap:<group>" and "ledger" likewise."""

    pk = models.CompositePrimaryKey("contact_id", "model_id")
    contact_id = models.BigIntegerField()
    model_id = models.BigIntegerField()
    total = models.IntegerField()
    fit = models.IntegerField(default=0)
    engagement = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)
    digest = models.BigIntegerField(null=True)  # of the reasons: equal ones have the same (see score_sql.py)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "score"
        indexes = [models.Index(fields=["model_id", "-total", "-contact_id"], name="score_total")]


class RecordScore(models.Model):
    """The same of a company. By own id."""

    pk = models.CompositePrimaryKey("record_id", "model_id")
    record_id = models.BigIntegerField()
    model_id = models.BigIntegerField()
    total = models.IntegerField()
    fit = models.IntegerField(default=0)
    engagement = models.IntegerField(default=0)
    reasons = models.JSONField(default=dict)  # with "people" for what the contacts bring
    digest = models.BigIntegerField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "record_score"
        indexes = [models.Index(fields=["model_id", "-total", "-record_id"], name="record_score_total")]


class ScoreEntry(models.Model):
    """Points that a person or a workflow gave or took: appended, never changed. They count until they expire."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()
    model_id = models.BigIntegerField()
    points = models.IntegerField()
    reason = models.TextField()
    actor = models.TextField()
    cause = models.TextField(default="")  # what may happen once only: "run:12:step:3"
    at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "score_entry"
        constraints = [models.UniqueConstraint(fields=["contact_id", "model_id", "cause"], condition=~models.Q(cause=""), name="score_entry_cause")]
        indexes = [models.Index(fields=["expires_at", "contact_id"], condition=models.Q(expires_at__isnull=False), name="score_entry_expiry")]


class Backtest(models.Model):
    """A score version tried on the past: what it would have said of those whose end is known. Local."""

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="backtests")
    version = models.IntegerField()
    content = models.JSONField()  # the version as it was tried
    settings = models.JSONField(default=dict)  # what counts as won and lost, and since when
    state = models.TextField(default="waiting")  # waiting, running, done, failed
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    result = models.JSONField(null=True)
    fault = models.TextField(blank=True, default="")
    created_by = models.TextField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "score_backtest"
        indexes = [models.Index(fields=["model", "-id"], name="score_backtest_model")]


class Verdict(models.Model):
    """What sales said of a lead: ready, not_ready, unqualified, or paused until a day. By contact; the newest holds."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()
    verdict = models.TextField()
    reason = models.TextField(blank=True, default="")
    actor = models.TextField()
    at = models.DateTimeField()
    stage = models.TextField(blank=True, default="")  # the contact's stage and points when it was given
    score = models.IntegerField(null=True)
    reasons = models.JSONField(default=dict)  # of the score, so that it can be said later which rules led here

    class Meta:
        db_table = "verdict"
        indexes = [models.Index(fields=["-at", "contact_id"], name="verdict_at")]


class Pause(models.Model):
    """No marketing message on any channel until then, unless something wakes the contact earlier. One a contact."""

    contact_id = models.BigIntegerField(primary_key=True)
    until = models.DateTimeField()
    reason = models.TextField(blank=True, default="")
    actor = models.TextField()
    at = models.DateTimeField()
    wake = models.JSONField(default=dict)  # a stored filter; {}: only the day ends it
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(blank=True, default="")  # time, wake, or an actor

    class Meta:
        db_table = "pause"
        indexes = [
            models.Index(fields=["until", "contact_id"], condition=models.Q(ended_at__isnull=True), name="pause_until"),
            models.Index(fields=["-ended_at"], condition=models.Q(ended_at__isnull=False), name="pause_ended"),
        ]


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
