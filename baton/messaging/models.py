"""E-mails and their delivery, who must not be written to, and notices to colleagues."""

from django.db import models


class Email(models.Model):
    """A mail as it is written. Local table."""

    name = models.TextField()
    subject = models.TextField()  # Jinja: {{ contact.firstname|default("고객") }}
    preheader = models.TextField(blank=True, default="")
    body = models.TextField()  # HTML with merge fields
    purpose = models.TextField(default="marketing")  # marketing needs consent; transactional does not
    from_name = models.TextField(blank=True, default="")  # empty: the account's sender
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "email"


class EmailLink(models.Model):
    """A link of a mail; the click address carries this id, never the target itself. Local table."""

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="links")
    url = models.TextField()

    class Meta:
        db_table = "email_link"
        constraints = [models.UniqueConstraint(fields=["email", "url"], name="email_link_url")]


class Message(models.Model):
    """One message to one person: written before it is handed over, and unique for what caused it. By contact.

    state: queued -> claimed -> handing -> sent, or skipped (with the reason), failed, unknown (the process died
    while the relay was taking it: never sent again by itself, see delivery.again).
    """

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('message_id_seq')
    cause = models.TextField()  # "step:<enrollment>:<step>" ...: the same cause never sends twice
    channel = models.TextField(default="email")
    email_id = models.BigIntegerField(null=True)
    address = models.TextField(default="")
    subject = models.TextField(default="")
    sender = models.TextField(default="", db_default="")  # whose name it carries: "owner" (the contact's, when it is sent), or that of the e-mail
    state = models.TextField(default="queued")
    reason = models.TextField(default="")
    attempts = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "message"
        constraints = [models.UniqueConstraint(fields=["contact_id", "cause", "channel"], name="message_cause")]
        indexes = [models.Index(fields=["-created_at"], condition=models.Q(state__in=["failed", "unknown"]), name="message_undelivered")]


class Outbox(models.Model):
    """What waits to be sent, by bucket. A row goes when its message is sent, skipped or given up."""

    pk = models.CompositePrimaryKey("bucket", "message_id")
    bucket = models.SmallIntegerField()
    message_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "outbox"
        indexes = [models.Index(fields=["bucket", "due_at"], name="outbox_due")]


class Suppression(models.Model):
    """Never write to this person on this channel again. Checked in SQL at the last gate. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "channel")
    contact_id = models.BigIntegerField()
    channel = models.TextField()
    reason = models.TextField()  # unsubscribed, bounced, complained
    at = models.DateTimeField()

    class Meta:
        db_table = "suppression"


class Notification(models.Model):
    """A notice to a colleague. Local table."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    cause = models.TextField()  # the same cause notifies a user once
    title = models.TextField()
    body = models.TextField(blank=True, default="")
    url = models.TextField(blank=True, default="")
    contact_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notification"
        constraints = [models.UniqueConstraint(fields=["user_id", "cause"], name="notification_cause")]
        indexes = [models.Index(fields=["user_id", "-at"], name="notification_user")]
