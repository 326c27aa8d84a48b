"""How mail leaves: transports, sending domains and their keys; and what comes back."""

from django.db import models


class Transport(models.Model):
    """A relay or a provider that carries messages, with its secrets encrypted. Without one the relay of BATON_SMTP_URL carries. Local table."""

    name = models.TextField()
    channel = models.TextField(default="email")
    kind = models.TextField()  # smtp, or a provider: see messaging/sending/transports/
    settings = models.JSONField(default=dict)  # what is no secret: host, port, user, region, connections, per_second ...
    secret = models.TextField(blank=True, default="")  # encrypted JSON: password, api_key, webhook secret
    usual = models.BooleanField(default=False)  # carries what names no other; one of a channel
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "transport"


class SendingDomain(models.Model):
    """A domain that mails come from: how it is signed, where bounces go, what its DNS said last. Local table."""

    name = models.TextField(unique=True)  # mail.nuriwork.example
    bounce_host = models.TextField(blank=True, default="")  # return paths are b+<token>@<bounce_host>; empty: the sender's own address
    tracking_host = models.TextField(blank=True, default="")  # a name of this Baton for links in its mails; empty: the base address
    transport = models.ForeignKey(Transport, null=True, on_delete=models.SET_NULL)  # null: the usual one
    warm_up = models.JSONField(default=dict)  # {} none; {"from": day, "first": messages of the first day, "growth": factor a day}
    checks = models.JSONField(default=dict)  # {check: {"state", "found", "wanted"}} of the last look at its DNS
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "sending_domain"


class DkimKey(models.Model):
    """A key that signs for a domain; several while one replaces another, and one of each algorithm. Local table."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.CASCADE, related_name="keys")
    selector = models.TextField()
    algorithm = models.TextField()  # rsa-sha256, ed25519-sha256
    secret = models.TextField()  # the private key, PEM, encrypted
    public = models.TextField()  # what the DNS record holds after p=
    state = models.TextField(default="new")  # new: not in DNS yet; active: signs; retired: does not sign any more, its record stays for mails on their way
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "dkim_key"
        constraints = [models.UniqueConstraint(fields=["domain", "selector"], name="dkim_key_selector")]


class Mailbox(models.Model):
    """A mailbox that is read by IMAP: for bounces, complaints and replies. Local table."""

    name = models.TextField()
    host = models.TextField()
    port = models.IntegerField(default=993)
    user = models.TextField()
    secret = models.TextField()  # encrypted
    folder = models.TextField(default="INBOX")
    uid = models.BigIntegerField(default=0)  # the last that was read
    validity = models.BigIntegerField(default=0)  # UIDVALIDITY: another one makes `uid` mean nothing
    active = models.BooleanField(default=True)
    problem = models.TextField(blank=True, default="")
    looked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "mailbox"


class Inbound(models.Model):
    """What came from outside, kept as it came before anybody reads it: a mail, or a provider's call. Local table."""

    id = models.BigAutoField(primary_key=True)
    source = models.TextField()  # lmtp, imap:<mailbox>, transport:<id>
    key = models.TextField()  # the same key comes once
    recipient = models.TextField(default="")  # of the envelope; several on a line each
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    became = models.TextField(default="")  # bounce, complaint, reply, auto_reply, receipt, dmarc, nothing
    problem = models.TextField(default="")

    class Meta:
        db_table = "inbound"
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="inbound_key")]
        indexes = [models.Index(fields=["id"], condition=models.Q(read_at__isnull=True), name="inbound_waiting")]


class DmarcReport(models.Model):
    """What a receiver saw of a domain on a day (RFC 7489, appendix C). Local table."""

    domain = models.TextField()
    organisation = models.TextField()
    report = models.TextField()  # its id at the organisation
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rows = models.JSONField()  # [{"ip", "count", "disposition", "dkim", "spf", "from"}]
    read_at = models.DateTimeField()

    class Meta:
        db_table = "dmarc_report"
        constraints = [models.UniqueConstraint(fields=["organisation", "report"], name="dmarc_report_once")]
