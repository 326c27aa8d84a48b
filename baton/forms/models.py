"""Forms as people design them, and what came back."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Form(models.Model):
    """One form: the draft people work on, and which published versions the public sees. Local table."""

    guid = models.UUIDField(unique=True, default=uuid.uuid4)
    former = ArrayField(models.UUIDField(), default=list)  # ids it had elsewhere: pages that were built for those show it
    name = models.TextField()
    draft = models.JSONField(default=dict)  # a definition, see definition.py; what is not published yet is here only
    version = models.IntegerField(default=0)  # number of the published version; 0: never published, the public sees "closed"
    intake = models.JSONField(default=dict)  # {"titles": {question of a Google form: field}, "round": number of the secret}
    captcha_secret = models.TextField(default="")  # encrypted; never part of a definition
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "form"


class FormVersion(models.Model):
    """What was published; never changed afterwards. Local table."""

    form_id = models.BigIntegerField()
    number = models.IntegerField()
    definition = models.JSONField()
    by = models.TextField()  # actor
    at = models.DateTimeField()
    note = models.TextField(default="")

    class Meta:
        db_table = "form_version"
        constraints = [models.UniqueConstraint(fields=["form_id", "number"], name="form_version_number")]


class FormSplit(models.Model):
    """Two versions shown to a part of the visitors each. The same visitor always sees the same. Local table."""

    form_id = models.BigIntegerField()
    a = models.IntegerField()  # number of the version that was there
    b = models.IntegerField()  # number of the one that is tried
    share = models.SmallIntegerField()  # percent of the visitors who see b
    by = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    kept = models.IntegerField(null=True)  # the version that stayed

    class Meta:
        db_table = "form_split"
        constraints = [models.UniqueConstraint(fields=["form_id"], condition=models.Q(ended_at=None), name="form_split_running")]


class FormSubmission(models.Model):
    """One answer, as sent. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('form_submission_id_seq')
    form_id = models.BigIntegerField()
    version = models.IntegerField(default=0, db_default=0)  # 0: from before there were versions
    split_id = models.BigIntegerField(null=True)  # the test in which this version was shown by lot; null: no test, or no cookie to draw by
    values = models.JSONField()
    consents = models.JSONField(default=list, db_default=[])  # what was ticked: [{"key", "kind", "channel", "granted", "version", "text"}]
    about = models.JSONField(default=dict, db_default={})  # {"files": {field: file id}, "via": page | hubspot | intake | released, "network"}
    page_url = models.TextField(default="")
    page_title = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "form_submission"
        indexes = [models.Index(fields=["form_id", "-at"], name="form_submission_form")]


class Quarantine(models.Model):
    """An answer that looks like spam: kept outside the contacts until somebody looks at it, 30 days at most. By own id."""

    id = models.BigAutoField(primary_key=True)
    form_id = models.BigIntegerField()
    version = models.IntegerField()
    reasons = models.JSONField()  # words of spam.REASONS
    values = models.JSONField()  # as sent
    sent = models.JSONField()  # the rest of what `submissions.submit` takes
    network = models.TextField(default="")  # truncated: /24 or /48
    at = models.DateTimeField()

    class Meta:
        db_table = "form_quarantine"
        indexes = [models.Index(fields=["form_id", "-at"], name="form_quarantine_form"), models.Index(fields=["at"], name="form_quarantine_at")]


class FormFile(models.Model):
    """Bytes that belong to no contact: what a form hands out after sending, and what came with an answer in quarantine. Local table."""

    id = models.BigAutoField(primary_key=True)
    form_id = models.BigIntegerField(db_index=True)
    quarantine_id = models.BigIntegerField(null=True, db_index=True)
    field = models.TextField(default="")
    name = models.TextField()
    media_type = models.TextField()
    size = models.BigIntegerField()
    content = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        db_table = "form_file"


class OptIn(models.Model):
    """A consent that counts only after a click in a mail (double opt-in), with both moments. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('form_submission_id_seq'), the submission's
    form_id = models.BigIntegerField()
    version = models.IntegerField()
    address = models.TextField()
    consents = models.JSONField()  # as in FormSubmission: what will count
    page_url = models.TextField(default="")
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)  # of the mail
    confirmed_at = models.DateTimeField(null=True)
    asked_from = models.TextField(default="")  # network, truncated
    confirmed_from = models.TextField(default="")

    class Meta:
        db_table = "form_opt_in"
        indexes = [models.Index(fields=["asked_at"], condition=models.Q(confirmed_at=None), name="form_opt_in_pending")]
