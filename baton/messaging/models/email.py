"""What is written: e-mails, their versions, their links."""

from django.db import models


class Email(models.Model):
    """A mail. Its columns are what is sent now (the last published version, or an unpublished beginning); `draft` is what its editors are at. Local table."""

    name = models.TextField()
    kind = models.TextField(default="mail")  # mail: for audiences and workflows; personal: a template for salespeople's own mails
    subject = models.TextField()  # Jinja: {{ contact.firstname|default("고객") }}
    preheader = models.TextField(blank=True, default="")
    mode = models.TextField(default="blocks")  # blocks: made from `document`; raw: HTML of their own, where nothing changes but links and pixel
    document = models.JSONField(default=dict, blank=True)  # see messaging/mail/blocks.py; {} in raw mode
    body = models.TextField()  # HTML with merge fields: what the document compiles to, or the raw HTML
    text = models.TextField(blank=True, default="")  # the plain text part with merge fields; empty: made from the HTML
    purpose = models.TextField(default="marketing")  # marketing: an advertisement, which needs consent; transactional: information somebody asked for
    purpose_reason = models.TextField(blank=True, default="")  # why it is no advertisement
    subscription_id = models.BigIntegerField(null=True)  # SubscriptionType; null: the usual one of its purpose
    from_name = models.TextField(blank=True, default="")  # empty: the account's sender
    from_address = models.TextField(blank=True, default="")  # of a verified sending domain; empty: the account's
    reply_to = models.TextField(blank=True, default="")  # empty: the sender
    language = models.TextField(default="ko")
    draft = models.JSONField(default=dict, blank=True)  # {column: value} that is not published yet; {}: nothing
    draft_by = models.TextField(blank=True, default="", db_default="")  # whose hand was last on the draft
    revision = models.IntegerField(default=0, db_default=0)  # grows with every change: an editor who saves says which one he saw
    version = models.IntegerField(default=0)  # EmailVersion.number of what is sent; 0: never published
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "email"


class EmailVersion(models.Model):
    """A mail as it was published; never changed afterwards, and what a campaign sends. Local table."""

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    content = models.JSONField()  # {column of Email: value}
    note = models.TextField(blank=True, default="")
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "email_version"
        constraints = [models.UniqueConstraint(fields=["email", "number"], name="email_version_number")]


class EmailLink(models.Model):
    """A link of a mail; the click address carries this id, never the target itself. Local table."""

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="links")
    url = models.TextField()

    class Meta:
        db_table = "email_link"
        constraints = [models.UniqueConstraint(fields=["email", "url"], name="email_link_url")]


class MailImage(models.Model):
    """An image of mails, told by its bytes: the same image is kept once, and its address never shows another. Local table."""

    digest = models.TextField(primary_key=True)  # the beginning of the sha256 of its bytes, hexadecimal
    name = models.TextField()
    media_type = models.TextField()
    width = models.IntegerField()
    height = models.IntegerField()
    content = models.BinaryField()
    created_by = models.TextField()
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)  # not offered any more; mails that show it go on showing it

    class Meta:
        db_table = "mail_image"
