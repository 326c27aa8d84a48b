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
    # consent: an express yes; transaction: somebody who bought the like (정보통신망법 제50조①1), until `expires_at`
    basis = models.TextField(default="consent", db_default="consent")
    expires_at = models.DateTimeField(null=True)
    night = models.BooleanField(default=False, db_default=False)  # a separate yes to advertising between 21:00 and 08:00 (제50조③)
    confirmed_at = models.DateTimeField(null=True)  # of the last notice that confirms it, due every two years (제50조⑧)
    ended_at = models.DateTimeField(null=True)  # since when the tick knows that `expires_at` is over

    class Meta:
        db_table = "consent"
        indexes = [models.Index(fields=["expires_at"], condition=models.Q(expires_at__isnull=False, ended_at__isnull=True), name="consent_expires")]


class ConsentEvent(models.Model):
    """One answer a person gave, as it was given: only added to, the proof of every consent. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('record_id_seq')
    channel = models.TextField()
    type_id = models.BigIntegerField(null=True)  # the kind of news it was about; null: marketing on this channel
    granted = models.BooleanField()
    night = models.BooleanField(default=False)
    basis = models.TextField(default="consent")
    at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    address = models.TextField(default="")  # the person's address on the channel at that time
    source = models.TextField(default="")
    wording = models.TextField(default="")
    proof = models.JSONField(default=dict)
    actor = models.TextField(default="system")

    class Meta:
        db_table = "consent_event"
        indexes = [models.Index(fields=["id"], name="consent_event_id")]  # all answers in their order, for programs that follow them
