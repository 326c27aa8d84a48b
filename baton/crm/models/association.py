"""Links between records, stored in both directions so that either side finds the other in one look."""

from django.db import models
from django.utils import timezone


class Association(models.Model):
    pk = models.CompositePrimaryKey("from_id", "to_id", "label")
    from_id = models.BigIntegerField()
    from_type = models.TextField()
    to_id = models.BigIntegerField()
    to_type = models.TextField()
    label = models.TextField(default="")  # AssociationLabel.name; "primary" marks the main company of a contact, deal or ticket
    created_at = models.DateTimeField()

    class Meta:
        db_table = "association"
        indexes = [models.Index(fields=["from_id", "to_type"], name="association_from_type")]


class AssociationLabel(models.Model):
    """A name a company gave to a kind of link, as seen from one side: "decision maker", "billing contact"."""

    type_id = models.IntegerField(primary_key=True)  # what HubSpot clients call it; both directions have one
    name = models.TextField()  # what Association.label holds, the same in both directions
    from_type = models.TextField()
    to_type = models.TextField()
    label = models.TextField()  # what people read on this side
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "association_label"
        constraints = [models.UniqueConstraint(fields=["from_type", "to_type", "name"], name="association_label_name")]
