"""The queue of changes, and the history of definitions."""

from django.db import models

BUCKETS = 64  # queues are split by contact_id % 64: one person's changes stay in order, any number of workers share


class Change(models.Model):
    """Something happened to a contact and the tick has not looked at it yet. A row is deleted when it was."""

    pk = models.CompositePrimaryKey("bucket", "id")
    bucket = models.SmallIntegerField()
    id = models.BigIntegerField(db_default=models.expressions.RawSQL("nextval('change_id_seq')", ()))
    contact_id = models.BigIntegerField()
    kind = models.TextField()  # property, event, membership, score, stage, identity
    key = models.TextField(default="")  # the property, the event kind and key, the list ...
    fact = models.TextField(default="", db_default="")  # names the very fact, see changes.Change
    tries = models.SmallIntegerField(default=0, db_default=0)  # how often a stage failed for it
    again_at = models.DateTimeField(null=True)  # set aside until then
    trouble = models.TextField(default="", db_default="")  # why

    class Meta:
        db_table = "change"


class History(models.Model):
    """Who changed which definition (list, form, workflow, setting ...), when, and from what to what."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    verb = models.TextField()  # created, updated, published, archived ...
    subject_type = models.TextField()  # segment, form, workflow, score_rule ...
    subject_id = models.TextField()
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "history"
        indexes = [models.Index(fields=["subject_type", "subject_id", "-at"], name="history_subject")]
