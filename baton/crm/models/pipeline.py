"""The ways a deal or a ticket goes. Local tables."""

from django.db import models
from django.utils import timezone


class Pipeline(models.Model):
    object_type = models.TextField()
    key = models.TextField()
    label = models.TextField()
    position = models.IntegerField(default=0)
    builtin = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "pipeline"
        constraints = [models.UniqueConstraint(fields=["object_type", "key"], name="pipeline_key")]


class Stage(models.Model):
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    key = models.TextField()
    label = models.TextField()
    position = models.IntegerField(default=0)
    probability = models.FloatField(default=0)  # 0 to 1
    closed = models.BooleanField(default=False)
    required = models.JSONField(default=list)  # names of properties a record must have to stand here
    hours = models.IntegerField(null=True)  # longer than this here, a deal is ageing and a ticket late
    builtin = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stage"
        constraints = [models.UniqueConstraint(fields=["pipeline", "key"], name="stage_key")]
        ordering = ["position"]
