"""Companies, deals, activities and every other object that is not a person: by own id."""

from django.db import models


class RecordFields(models.Model):
    """What contacts and other records have in common.

    Both tables also have a column `search` (tsvector) that the models do not read: the words quick search finds a record by (crm/search.py).
    """

    id = models.BigIntegerField(primary_key=True)  # nextval('record_id_seq')
    properties = models.JSONField(default=dict)  # name -> text | number | true/false | "2026-11-21" | ISO datetime in UTC | [choices]
    owner_id = models.BigIntegerField(null=True)  # accounts.User; no constraint across kinds of tables
    created_at = models.DateTimeField()
    created_by = models.TextField(default="system")  # the actor, as in PropertyHistory
    source = models.TextField(default="")  # page, api, form, import ...: how it came
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Record(RecordFields):
    """A company, deal, ticket, note …; its type is data (ObjectType), not code."""

    object_type = models.TextField()

    class Meta:
        db_table = "record"
        indexes = [models.Index(fields=["object_type", "id"], name="record_type")]
