"""Saved views of a table: which records, which columns, in which order, and who sees the view. Local."""

from django.db import models
from django.utils import timezone


class View(models.Model):
    object_type = models.TextField()
    name = models.TextField()
    query = models.JSONField(default=dict)  # {"f": filter of the address, "sort": "-amount", "columns": ["dealname", …], "layout": "board"}
    owner_id = models.BigIntegerField(null=True)  # accounts.User; null: came with Baton
    shared = models.TextField(default="me")  # me, team, all
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "view"
        ordering = ["position", "id"]
