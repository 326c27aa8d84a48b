"""Links between records, stored in both directions so that either side finds the other in one look."""

from django.db import models


class Association(models.Model):
    pk = models.CompositePrimaryKey("from_id", "to_id", "label")
    from_id = models.BigIntegerField()
    from_type = models.TextField()
    to_id = models.BigIntegerField()
    to_type = models.TextField()
    label = models.TextField(default="")  # "primary" marks a contact's main company
    created_at = models.DateTimeField()

    class Meta:
        db_table = "association"
        indexes = [models.Index(fields=["from_id", "to_type"], name="association_from_type")]
