"""Who takes our mail: the domains of receivers with the operator behind them, and how fast each group of receivers may be written to."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ReceiverDomain(models.Model):
    """A domain of addresses and who takes its mail, as its MX records said. Written by jobs only; senders read it. Local table."""

    domain = models.TextField(primary_key=True)  # lower case
    grouped = models.TextField(
        default=""
    )  # key of the group: an operator of operators.toml, else the organisation of its mail server; "": nobody has looked yet
    state = models.TextField(default="")  # "", or what the DNS said: see sending/mx.py
    hosts = ArrayField(models.TextField(), default=list)  # of the MX records, the preferred ones first
    wanted_at = models.DateTimeField()  # when an audience or the outbox named it last
    looked_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)  # when it is worth looking; null: never, its name says it all

    class Meta:
        db_table = "receiver_domain"
        indexes = [
            models.Index(fields=["look_at"], condition=models.Q(look_at__isnull=False), name="receiver_domain_look"),
            models.Index(fields=["grouped"], name="receiver_domain_grouped"),
            models.Index(fields=["domain"], condition=models.Q(state="null_mx"), name="receiver_domain_null_mx"),
        ]


class ReceiverRate(models.Model):
    """How fast one transport may write to one group of receivers: what a person set, and what the receivers' answers taught. Local table."""

    pk = models.CompositePrimaryKey("transport_id", "grouped")
    transport_id = models.BigIntegerField()  # 0: the relay of the settings
    grouped = models.TextField()  # as ReceiverDomain.grouped; "": everybody, because the carrier itself wants less
    most = models.FloatField(null=True)  # messages a second, as a person set it; null: nobody did. Learnt rates stay below it
    at_once = models.IntegerField(null=True)  # letters under way at the same time, as a person set it
    rate = models.FloatField(null=True)  # messages a second at `at`, as learnt; null: nothing was
    at = models.DateTimeField(null=True)
    why = models.TextField(default="")  # start (of an operator that is new to us), slower (a receiver asked for it)
    before = models.FloatField(null=True)  # the rate before it was lowered last; null: there was none
    lowered_at = models.DateTimeField(null=True)
    answers = models.JSONField(default=list)  # the last of those who asked for less: [{"at", "domain", "code", "text"}], newest first

    class Meta:
        db_table = "receiver_rate"
