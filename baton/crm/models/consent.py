"""Whether a person agreed to be written to, by channel, with the proof."""

from django.db import models


class Consent(models.Model):
    pk = models.CompositePrimaryKey("contact_id", "channel")
    contact_id = models.BigIntegerField()
    channel = models.TextField()  # email, kakaotalk, sms
    granted = models.BooleanField()
    at = models.DateTimeField()
    source = models.TextField(default="")  # form:3, unsubscribe, import:7 ...
    wording = models.TextField(default="")  # the text the person saw
    proof = models.JSONField(
        default=dict, db_default={}
    )  # {"version": of the wording, "page", "form", "submission", "asked_at", "confirmed_at"}: what is known of it
    actor = models.TextField(default="system")

    class Meta:
        db_table = "consent"
