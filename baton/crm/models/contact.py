"""A person we know, and the values that tell who is who."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from .record import RecordFields


class Contact(RecordFields):
    """By contact: `id` is the contact id everywhere. A visitor has the same id before this row exists."""

    email = models.TextField(blank=True, default="")  # a copy of properties["email"]; uniqueness lives in Identity

    class Meta:
        db_table = "contact"
        indexes = [
            GinIndex(fields=["properties"], opclasses=["jsonb_path_ops"], name="contact_properties"),
            models.Index(fields=["email"], name="contact_email"),
        ]


class Identity(models.Model):
    """A value that points to one contact: an e-mail address, a cookie, an external id, or the id of a merged contact.

    The only place where uniqueness of such values lives. `kind` is one of email, cookie, external,
    merged, or submission (the key of a form's answer that came from the disk: it is taken once).
    """

    pk = models.CompositePrimaryKey("value", "kind")
    value = models.TextField()
    kind = models.TextField()
    contact_id = models.BigIntegerField()
    shared = models.BooleanField(default=False)  # an address several people read (info@ …): other contacts may have it too
    created_at = models.DateTimeField()

    class Meta:
        db_table = "identity"
        indexes = [models.Index(fields=["contact_id"], name="identity_contact")]
