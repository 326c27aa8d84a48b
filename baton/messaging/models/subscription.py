"""What people want to hear about, and what the law wants done about it."""

from django.db import models


class SubscriptionType(models.Model):
    """A kind of news that people can take or refuse on its own: newsletter, seminars, product news. Local table."""

    key = models.TextField(unique=True)
    names = models.JSONField(default=dict)  # {"ko", "en"}
    descriptions = models.JSONField(default=dict)  # {"ko", "en"}: what the preference centre says
    topic = models.TextField(blank=True, default="")  # the heading it stands under in the preference centre
    separate = models.BooleanField(default=False)  # only those who agreed to this very kind; else everybody who agreed to marketing and did not refuse it
    position = models.IntegerField(default=0)
    public = models.BooleanField(default=True)  # shown in the preference centre
    months = models.IntegerField(null=True)  # an agreement to it ends after so many months; null: never
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "subscription_type"


class Subscription(models.Model):
    """A person's yes or no to one kind of news on one channel; no row: never said. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "type_id", "channel")
    contact_id = models.BigIntegerField()
    type_id = models.BigIntegerField()
    channel = models.TextField()
    granted = models.BooleanField()
    basis = models.TextField(default="consent")
    at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # since when the tick knows that `expires_at` is over
    source = models.TextField(default="")
    wording = models.TextField(default="")
    proof = models.JSONField(default=dict)
    actor = models.TextField(default="system")

    class Meta:
        db_table = "subscription"
        indexes = [
            models.Index(fields=["expires_at"], condition=models.Q(expires_at__isnull=False, ended_at__isnull=True), name="subscription_expires"),
        ]


class LawNotice(models.Model):
    """A notice the law asks for: the result of an agreement or refusal within 14 days, and the confirmation every two years. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('message_id_seq')
    kind = models.TextField()  # result (제50조⑦), confirmation (제50조⑧)
    channel = models.TextField()
    consent_at = models.DateTimeField()  # of the answer it is about
    granted = models.BooleanField()
    due_at = models.DateTimeField()  # the law's own day
    state = models.TextField(default="waiting")  # waiting, mailed, sent, shown (on the page of the answer itself), failed, dropped
    reason = models.TextField(default="")
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "law_notice"
        constraints = [models.UniqueConstraint(fields=["contact_id", "kind", "channel", "consent_at"], name="law_notice_once")]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="law_notice_waiting")]


class Exemption(models.Model):
    """A rule of the last gate that a colleague set aside for one campaign, and why. Local table."""

    campaign_id = models.BigIntegerField()
    rule = models.TextField()  # a reason word of the gate
    reason = models.TextField()
    basis = models.TextField()  # the article of law or the agreement it rests on
    actor = models.TextField()
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gate_exemption"
