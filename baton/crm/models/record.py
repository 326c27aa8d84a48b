"""Companies, deals, tickets and every other object that is not a person: by own id."""

from django.db import models


class RecordFields(models.Model):
    """What contacts and other records have in common."""

    id = models.BigIntegerField(primary_key=True)  # nextval('record_id_seq')
    properties = models.JSONField(default=dict)  # name -> text | number | true/false | "2026-11-21" | ISO datetime in UTC | [choices]
    owner_id = models.BigIntegerField(null=True)  # accounts.User; no constraint across kinds of tables
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Record(RecordFields):
    """A company, deal or ticket; its type is data (ObjectType), not code."""

    object_type = models.TextField()

    class Meta:
        db_table = "record"
        indexes = [models.Index(fields=["object_type", "id"], name="record_type")]
