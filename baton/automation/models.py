"""Workflows and their immutable versions (local), where each contact or record stands (by contact), and what waits (by bucket).

A workflow leads records of one type: contacts, companies, deals, tickets ... Ids of all of them come from one sequence, so
`contact_id` holds the id of whoever walks; where that is no contact, nothing about people is kept with it.
"""

from django.db import models


class Workflow(models.Model):
    name = models.TextField()
    description = models.TextField(default="")
    object_type = models.TextField(default="contact")  # whom it leads
    owner_id = models.BigIntegerField(null=True)  # accounts.User who is told of failures
    state = models.TextField(default="draft")  # draft, on, paused
    paused_at = models.DateTimeField(null=True)  # timers stand still since
    clock_at = models.DateTimeField(null=True)  # until when its triggers that go by the clock were asked
    alerted_at = models.DateTimeField(null=True)  # when its owner was told of a failure last
    draft = models.JSONField(default=dict)  # the graph being edited, see graph.py
    draft_at = models.DateTimeField(null=True)  # when it was changed last
    draft_by = models.TextField(default="", db_default="")  # by whom
    draft_page = models.TextField(default="", db_default="")  # in which open page: two that edit at once are told apart by it
    published = models.ForeignKey("Version", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow"


class Edit(models.Model):
    """A change of a draft that can be undone, or, once it is undone, done again: `draft` is what the change takes the draft back (or on) to."""

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="edits")
    draft = models.JSONField()
    undone = models.BooleanField(default=False)

    class Meta:
        db_table = "workflow_edit"


class Version(models.Model):
    """A published graph. Never changed: people inside walk the version they entered, or are moved by a map that is kept."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    graph = models.JSONField()
    note = models.TextField(default="")  # why, in the words of who published
    steps = models.JSONField(null=True)  # where people inside earlier versions went: step -> step or "" (out); null: they stayed
    restores = models.IntegerField(null=True)  # number of the earlier version that this one brings back
    counts = models.JSONField(default=dict)  # how many were moved: {"moved": 940, "out": 3, "back": 57}
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "workflow_version"
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_number")]


class Enrollment(models.Model):
    """One walk through one version: a run. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()  # or the record's id, see above
    id = models.BigIntegerField()  # nextval('enrollment_id_seq')
    workflow_id = models.BigIntegerField()
    version_id = models.BigIntegerField()
    cause = models.TextField()  # what enrolled; the same cause enrolls once
    trigger = models.TextField(default="", db_default="")  # id of the trigger; empty: by hand or by program
    policy = models.TextField(default="", db_default="")  # how often one could be enrolled when this run began, as in settings.again
    data = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))  # what steps left for later ones: {"<step>": {...}}
    state = models.TextField(default="active")  # active, queued (begins when the run before ends), finished, goal, removed, superseded, failed
    reason = models.TextField(default="", db_default="")  # why it ended early: goal, suppressed, consent, archived, by hand ...
    step = models.TextField(default="")  # the step where it stands
    turn = models.SmallIntegerField(default=0, db_default=0)  # how often it went back to an earlier step
    entered_at = models.DateTimeField()  # when it came to this step
    enrolled_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "enrollment"
        constraints = [
            models.UniqueConstraint(fields=["contact_id", "workflow_id", "cause"], name="enrollment_cause"),
            models.UniqueConstraint(fields=["contact_id", "workflow_id"], condition=models.Q(state="active"), name="enrollment_inside"),
        ]
        indexes = [  # none holds the step: most moves change no index
            models.Index(fields=["workflow_id", "state", "id"], name="enrollment_state"),
            models.Index(fields=["workflow_id", "-enrolled_at"], name="enrollment_recent"),
        ]


class StepRun(models.Model):
    """What a step did for one run: one row, written with its effect. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "enrollment_id", "step", "turn")
    contact_id = models.BigIntegerField()
    enrollment_id = models.BigIntegerField()
    step = models.TextField()
    turn = models.SmallIntegerField(default=0, db_default=0)
    workflow_id = models.BigIntegerField()
    outcome = models.TextField()  # done, waiting, skipped, failed, or the way taken ("yes", "no")
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()  # when the walk came
    done_at = models.DateTimeField(null=True)  # when it went on; null: at once, or it still waits

    class Meta:
        db_table = "step_run"
        indexes = [
            models.Index(fields=["workflow_id", "-at"], name="step_run_recent"),
            models.Index(fields=["workflow_id", "step", "outcome", "enrollment_id"], name="step_run_outcome"),
        ]


class Timer(models.Model):
    """When a run is due next, by bucket."""

    pk = models.CompositePrimaryKey("bucket", "enrollment_id")
    bucket = models.SmallIntegerField()
    enrollment_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    workflow_id = models.BigIntegerField()  # so that a claim can leave out paused workflows
    due_at = models.DateTimeField()
    woken = models.BooleanField(default=False, db_default=False)  # due because what it waited for came true, not because its time is over

    class Meta:
        db_table = "timer"
        indexes = [models.Index(fields=["bucket", "due_at", "workflow_id"], name="timer_due")]


class Tally(models.Model):
    """Changes of the counts on the canvas. What a workflow shows is their sum, so that nobody counts all runs; a job adds rows up."""

    id = models.BigAutoField(primary_key=True)
    workflow_id = models.BigIntegerField()
    step = models.TextField()  # step id; the trigger's id: enrolled by it; "": of the whole workflow, by state
    outcome = models.TextField()  # as in step_run; for "": a state of runs
    n = models.BigIntegerField()

    class Meta:
        db_table = "workflow_tally"
        indexes = [models.Index(fields=["workflow_id", "step", "outcome"], name="workflow_tally_of")]


class Moved(models.Model):
    """Where a run stood before it was moved to another version, for the way back. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "enrollment_id", "to_version")
    contact_id = models.BigIntegerField()
    enrollment_id = models.BigIntegerField()
    to_version = models.BigIntegerField()
    from_version = models.BigIntegerField()
    from_step = models.TextField()
    from_turn = models.SmallIntegerField(default=0)
    from_state = models.TextField(default="active")
    to_step = models.TextField(null=True)  # "": out of the workflow; null only while it is being decided
    entered_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "enrollment_moved"
        indexes = [models.Index(fields=["to_version", "from_step"], name="enrollment_moved_to")]


class Call(models.Model):
    """A request to somebody else's server that a step asked for. Written with the step, sent by the worker, tried again. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "enrollment_id", "step", "turn")
    contact_id = models.BigIntegerField()
    enrollment_id = models.BigIntegerField()
    step = models.TextField()
    turn = models.SmallIntegerField(default=0)
    workflow_id = models.BigIntegerField()
    method = models.TextField()
    url = models.TextField()
    headers = models.JSONField(default=dict)  # without secrets: those are read when it is sent
    body = models.TextField()
    state = models.TextField(default="queued")  # queued, done, failed
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)  # when it is tried next; set ahead while a worker has it; null: no more
    status = models.SmallIntegerField(null=True)  # HTTP
    answer = models.JSONField(default=dict)  # the fields that were asked for
    trouble = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "workflow_call"
        indexes = [models.Index(fields=["due_at"], name="workflow_call_due", condition=models.Q(state="queued"))]


class Rotation(models.Model):
    """Whose turn it is: how many have been given out in turn under a key."""

    key = models.TextField(primary_key=True)  # "step:<workflow>:<step>"
    given = models.BigIntegerField(default=0)

    class Meta:
        db_table = "workflow_rotation"


class Rehearsal(models.Model):
    """A trial run of a draft or a version, with its result."""

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="rehearsals")
    graph = models.JSONField()
    asked = models.JSONField(default=dict)  # population, days, ...
    asked_by = models.TextField()
    state = models.TextField(default="waiting")  # waiting, running, done, failed
    progress = models.SmallIntegerField(default=0)  # %
    result = models.JSONField(default=dict)
    trouble = models.TextField(default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow_rehearsal"


class Hook(models.Model):
    """The secret address by which programs enroll: one for each trigger of its kind. Local."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="hooks")
    trigger = models.TextField()  # its id
    digest = models.TextField(unique=True)  # of the token: finds it without keeping it readable
    sealed = models.TextField()  # the token, encrypted, so that those who may edit see the address again
    made_by = models.TextField()
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)  # the last call that was let in

    class Meta:
        db_table = "workflow_hook"
        constraints = [models.UniqueConstraint(fields=["workflow", "trigger"], name="workflow_hook_once")]
