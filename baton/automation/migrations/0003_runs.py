from django.db import migrations, models


def several_triggers(apps, schema_editor):
    """{"trigger": {..., "again": a}, "steps"} -> {"triggers": [...], "steps", "settings": {"again": a}}"""

    def converted(graph):
        if not isinstance(graph, dict) or "trigger" not in graph:
            return graph
        trigger = dict(graph.pop("trigger") or {})
        again = trigger.pop("again", "every_time")
        return {"triggers": [trigger] if trigger.get("type") else [], "settings": {"again": "never" if again == "never" else "every_time"}, **graph}

    for row in apps.get_model("automation", "Workflow").objects.all():
        row.draft = converted(row.draft)
        row.save(update_fields=["draft"])
    for row in apps.get_model("automation", "Version").objects.all():
        row.graph = converted(row.graph)
        row.save(update_fields=["graph"])


class Migration(migrations.Migration):
    dependencies = [("automation", "0002_timer_workflow")]

    operations = [
        migrations.AddField("workflow", "description", models.TextField(default="")),
        migrations.AddField("workflow", "object_type", models.TextField(default="contact")),
        migrations.AddField("workflow", "owner_id", models.BigIntegerField(null=True)),
        migrations.AddField("workflow", "paused_at", models.DateTimeField(null=True)),
        migrations.AddField("version", "note", models.TextField(default="")),
        migrations.AddField("version", "steps", models.JSONField(null=True)),
        migrations.AddField("enrollment", "trigger", models.TextField(default="", db_default="")),
        migrations.AddField("enrollment", "policy", models.TextField(default="", db_default="")),
        migrations.AddField("enrollment", "data", models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))),
        migrations.AddField("enrollment", "reason", models.TextField(default="", db_default="")),
        migrations.AddField("enrollment", "turn", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AddField("steprun", "turn", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AddField("steprun", "done_at", models.DateTimeField(null=True)),
        migrations.RunSQL(
            "ALTER TABLE step_run DROP CONSTRAINT step_run_pkey; ALTER TABLE step_run ADD CONSTRAINT step_run_pkey PRIMARY KEY (contact_id, enrollment_id, step, turn)",
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AlterField(
                    "steprun",
                    "pk",
                    models.CompositePrimaryKey("contact_id", "enrollment_id", "step", "turn", blank=True, editable=False, primary_key=True, serialize=False),
                )
            ],
        ),
        migrations.AddIndex("enrollment", models.Index(fields=["workflow_id", "-enrolled_at"], name="enrollment_recent")),
        migrations.AddIndex("steprun", models.Index(fields=["workflow_id", "step", "outcome"], name="step_run_outcome")),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("workflow_id", models.BigIntegerField()),
                ("step", models.TextField()),
                ("outcome", models.TextField()),
                ("n", models.BigIntegerField()),
            ],
            options={"db_table": "workflow_tally", "indexes": [models.Index(fields=["workflow_id", "step", "outcome"], name="workflow_tally_of")]},
        ),
        migrations.CreateModel(
            name="Moved",
            fields=[
                ("pk", models.CompositePrimaryKey("contact_id", "enrollment_id", "to_version", blank=True, editable=False, primary_key=True, serialize=False)),
                ("contact_id", models.BigIntegerField()),
                ("enrollment_id", models.BigIntegerField()),
                ("to_version", models.BigIntegerField()),
                ("from_version", models.BigIntegerField()),
                ("from_step", models.TextField()),
                ("from_turn", models.SmallIntegerField(default=0)),
                ("entered_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "enrollment_moved"},
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                ("pk", models.CompositePrimaryKey("contact_id", "enrollment_id", "step", "turn", blank=True, editable=False, primary_key=True, serialize=False)),
                ("contact_id", models.BigIntegerField()),
                ("enrollment_id", models.BigIntegerField()),
                ("step", models.TextField()),
                ("turn", models.SmallIntegerField(default=0)),
                ("workflow_id", models.BigIntegerField()),
                ("method", models.TextField()),
                ("url", models.TextField()),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField()),
                ("state", models.TextField(default="queued")),
                ("tries", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("status", models.SmallIntegerField(null=True)),
                ("answer", models.JSONField(default=dict)),
                ("trouble", models.TextField(default="")),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "workflow_call", "indexes": [models.Index(condition=models.Q(("state", "queued")), fields=["due_at"], name="workflow_call_due")]},
        ),
        migrations.CreateModel(
            name="Rotation",
            fields=[("key", models.TextField(primary_key=True, serialize=False)), ("given", models.BigIntegerField(default=0))],
            options={"db_table": "workflow_rotation"},
        ),
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("graph", models.JSONField()),
                ("asked", models.JSONField(default=dict)),
                ("asked_by", models.TextField()),
                ("state", models.TextField(default="waiting")),
                ("progress", models.SmallIntegerField(default=0)),
                ("result", models.JSONField(default=dict)),
                ("trouble", models.TextField(default="")),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("workflow", models.ForeignKey(on_delete=models.deletion.CASCADE, related_name="rehearsals", to="automation.workflow")),
            ],
            options={"db_table": "workflow_rehearsal"},
        ),
        migrations.RunPython(several_triggers, migrations.RunPython.noop),
    ]
