"""Notices to colleagues."""

from django.db import models


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
