"""Workflows and their immutable versions (local), and where each contact stands (by contact)."""

from django.db import models


class Workflow(models.Model):
    name = models.TextField()
    state = models.TextField(default="draft")  # draft, on, paused
    draft = models.JSONField(default=dict)  # the graph being edited, see graph.py
    published = models.ForeignKey("Version", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow"


class Version(models.Model):
    """A published graph. Never changed: people inside walk the version they entered."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    graph = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "workflow_version"
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_number")]


class Enrollment(models.Model):
    """One contact's walk through one version. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('enrollment_id_seq')
    workflow_id = models.BigIntegerField()
    version_id = models.BigIntegerField()
    cause = models.TextField()  # what enrolled the contact; the same cause enrolls once
    state = models.TextField(default="active")  # active, finished, removed, failed
    step = models.TextField(default="")  # the step the contact stands at
    entered_at = models.DateTimeField()  # when the contact came to this step
    enrolled_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "enrollment"
        constraints = [models.UniqueConstraint(fields=["contact_id", "workflow_id", "cause"], name="enrollment_cause")]
        indexes = [models.Index(fields=["workflow_id", "state", "step"], name="enrollment_standing")]


class StepRun(models.Model):
    """What a step did for one enrollment: one row, written with its effect. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "enrollment_id", "step")
    contact_id = models.BigIntegerField()
    enrollment_id = models.BigIntegerField()
    step = models.TextField()
    workflow_id = models.BigIntegerField()
    outcome = models.TextField()  # done, waiting, skipped, failed, or the branch taken ("yes", "no")
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        db_table = "step_run"
        indexes = [models.Index(fields=["workflow_id", "-at"], name="step_run_recent")]


class Timer(models.Model):
    """When an enrollment is due next, by bucket."""

    pk = models.CompositePrimaryKey("bucket", "enrollment_id")
    bucket = models.SmallIntegerField()
    enrollment_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    workflow_id = models.BigIntegerField()  # so that a claim can leave out paused workflows
    due_at = models.DateTimeField()

    class Meta:
        db_table = "timer"
        indexes = [models.Index(fields=["bucket", "due_at"], name="timer_due")]
