"""What is sent: messages, what waits, and who must not be written to."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Message(models.Model):
    """One message to one person: written before it is handed over, and unique for what caused it. By contact.

    state: queued -> claimed -> handing -> sent -> delivered | bounced, or skipped (with the reason), failed, cancelled, unknown (the process died
    while the relay was taking it: never sent again by itself, see delivery.again). No index mentions `state`: it changes in place.
    """

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('message_id_seq')
    cause = models.TextField()  # "step:<enrollment>:<step>", "campaign:<id>" ...: the same cause never sends twice
    channel = models.TextField(default="email")
    email_id = models.BigIntegerField(null=True)
    version = models.IntegerField(default=0, db_default=0)  # EmailVersion.number it is made from; 0: the newest when it is sent
    campaign_id = models.BigIntegerField(null=True)
    variant = models.TextField(default="", db_default="")  # of the campaign's A/B test
    address = models.TextField(default="")
    subject = models.TextField(default="")
    sender = models.TextField(default="", db_default="")  # whose name it carries: "owner" (the contact's), "user:<id>", that of the e-mail; see also single.py
    state = models.TextField(default="queued")
    reason = models.TextField(default="")  # a word of outbox.REASONS or receipts.REASONS, or the carrier's own words
    attempts = models.SmallIntegerField(default=0)
    transport_id = models.BigIntegerField(null=True)  # what carried it; null: the relay of the settings
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # delivered or bounced, as its receiver said
    undelivered_at = models.DateTimeField(null=True)  # failed, bounced or unknown since

    class Meta:
        db_table = "message"
        constraints = [models.UniqueConstraint(fields=["contact_id", "cause", "channel"], name="message_cause")]
        indexes = [
            models.Index(fields=["-undelivered_at"], condition=models.Q(undelivered_at__isnull=False), name="message_undelivered"),
            models.Index(fields=["campaign_id", "id"], condition=models.Q(campaign_id__isnull=False), name="message_campaign"),
            models.Index(fields=["cause"], condition=models.Q(cause__startswith="single:"), name="message_single"),
            models.Index(fields=["created_at"], condition=models.Q(campaign_id__isnull=True), name="message_alone"),
        ]


class SingleSend(models.Model):
    """What a program said of the one message it asked for, besides whom and which mail (messaging/single.py). By contact; forgotten with the person."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # of the message
    custom = models.JSONField(default=dict)  # merge fields of this message only: {{ custom.x }}
    sent_by = models.TextField(default="")  # `Name <address>` instead of the mail's own sender
    reply_to = ArrayField(models.TextField(), default=list)
    cc = ArrayField(models.TextField(), default=list)  # those that are shown; the others are known by their copies only
    copies = models.JSONField(default=list)  # [message, address] of each copy, hidden ones too
    others = ArrayField(models.TextField(), default=list)  # whoever else is mentioned, in small letters: forgotten when he is
    created_at = models.DateTimeField()

    class Meta:
        db_table = "single_send"
        indexes = [GinIndex(fields=["others"], name="single_send_others")]


class Outbox(models.Model):
    """Messages that wait to be sent one by one: those of workflows, and those of campaigns that a receiver put off. A row goes when its message is settled."""

    pk = models.CompositePrimaryKey("bucket", "message_id")
    bucket = models.SmallIntegerField()
    message_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    campaign_id = models.BigIntegerField(null=True)  # waits while its campaign is paused

    class Meta:
        db_table = "outbox"
        indexes = [
            models.Index(fields=["bucket", "due_at"], name="outbox_due"),
            models.Index(fields=["campaign_id"], condition=models.Q(campaign_id__isnull=False), name="outbox_campaign"),
        ]


class Chunk(models.Model):
    """Some people of a campaign's frozen audience, of one bucket: what one sender works on at a time. Their messages are written as they are sent."""

    pk = models.CompositePrimaryKey("bucket", "id")
    bucket = models.SmallIntegerField()
    id = models.BigIntegerField()  # nextval('message_id_seq')
    campaign_id = models.BigIntegerField()
    variant = models.TextField(default="", db_default="")
    contact_ids = ArrayField(models.BigIntegerField())  # in order; those already worked on are known by their messages
    waiting = models.IntegerField()  # how many have no message yet
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True)  # not taken from then on: its hours are over, or its turn passed while nobody sent; see campaigns/pace.py
    zone = models.TextField(default="", db_default="")  # the time zone of its people; empty: the account's
    leased_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "campaign_chunk"
        indexes = [models.Index(fields=["campaign_id", "due_at"], name="campaign_chunk_due")]


class Allowance(models.Model):
    """How many more messages may go now, by relay, by group of receivers, by domain and day: a bucket that fills at a steady rate. Local table.

    `sent:<transport>:<group>` counts what operators got lately: a bucket that leaks (sending/learning.py).
    """

    key = models.TextField(primary_key=True)
    tokens = models.FloatField()
    at = models.DateTimeField()  # when `tokens` was right

    class Meta:
        db_table = "sending_allowance"


class Suppression(models.Model):
    """Never write to this person on this channel again. Checked in SQL at the last gate. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "channel")
    contact_id = models.BigIntegerField()
    channel = models.TextField()
    reason = models.TextField()  # unsubscribed, bounced, complained, soft_limit, manual, imported
    at = models.DateTimeField()
    source = models.TextField(default="", db_default="")  # message:<id>, import:<id>, user:<id> ...
    note = models.TextField(default="", db_default="")  # the receiver's words, or a colleague's

    class Meta:
        db_table = "suppression"
        indexes = [models.Index(fields=["-at", "contact_id"], name="suppression_at"), models.Index(fields=["reason", "-at"], name="suppression_reason")]


class SuppressedAddress(models.Model):
    """An address that is never written to, known by its hash only: it stays when the contact is deleted, whoever has the address next. Local table."""

    pk = models.CompositePrimaryKey("hash", "channel")
    hash = models.BinaryField()  # see suppression.hashed
    channel = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField()
    source = models.TextField(default="")
    actor = models.TextField(default="system")

    class Meta:
        db_table = "suppressed_address"


class Trouble(models.Model):
    """Soft bounces of a person in a row: what has not been delivered since the last that was. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "channel")
    contact_id = models.BigIntegerField()
    channel = models.TextField()
    bounces = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    reason = models.TextField(default="")

    class Meta:
        db_table = "message_trouble"
