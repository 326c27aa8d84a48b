from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0005_edits"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="enrollment",
            name="enrollment_standing",
        ),
        migrations.RemoveIndex(
            model_name="timer",
            name="timer_due",
        ),
        migrations.AddField(
            model_name="timer",
            name="woken",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="workflow",
            name="alerted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="workflow",
            name="clock_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(condition=models.Q(("state__in", ["active", "queued", "failed"])), fields=["workflow_id", "state"], name="enrollment_open"),
        ),
        migrations.AddIndex(
            model_name="timer",
            index=models.Index(fields=["bucket", "due_at", "workflow_id"], name="timer_due"),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.UniqueConstraint(condition=models.Q(("state", "active")), fields=("contact_id", "workflow_id"), name="enrollment_inside"),
        ),
        # room on each page for the next place of a walk: then a move writes no index
        migrations.RunSQL("ALTER TABLE enrollment SET (fillfactor = 70)", "ALTER TABLE enrollment RESET (fillfactor)"),
    ]
