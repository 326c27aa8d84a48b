"""Forms as people design them, and what came back."""

import uuid

from django.db import models


class Form(models.Model):
    """Local table."""

    guid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.TextField()
    fields = models.JSONField(default=list)  # [{"name": "email", "label", "type", "required", "options", "placeholder"}]
    consent = models.JSONField(default=dict)  # {"channel": "email", "label": text shown, "required": false}; empty: none asked
    submit_label = models.TextField(default="")
    thanks = models.TextField(default="")  # shown after sending
    redirect_url = models.TextField(blank=True, default="")
    language = models.TextField(default="ko")
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "form"


class FormSubmission(models.Model):
    """One answer, as sent. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('form_submission_id_seq')
    form_id = models.BigIntegerField()
    values = models.JSONField()
    page_url = models.TextField(default="")
    page_title = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "form_submission"
        indexes = [models.Index(fields=["form_id", "-at"], name="form_submission_form")]
