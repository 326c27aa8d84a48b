"""The ways a deal or a ticket goes. Local tables."""

from django.db import models


class Pipeline(models.Model):
    object_type = models.TextField()
    key = models.TextField()
    label = models.TextField()
    position = models.IntegerField(default=0)

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

    class Meta:
        db_table = "stage"
        constraints = [models.UniqueConstraint(fields=["pipeline", "key"], name="stage_key")]
        ordering = ["position"]
