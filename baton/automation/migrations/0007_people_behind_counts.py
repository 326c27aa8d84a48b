from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automation", "0006_woken")]

    operations = [
        migrations.RemoveIndex("enrollment", "enrollment_open"),
        migrations.RemoveIndex("steprun", "step_run_outcome"),
        migrations.AddIndex("enrollment", models.Index(fields=["workflow_id", "state", "id"], name="enrollment_state")),
        migrations.AddIndex("steprun", models.Index(fields=["workflow_id", "step", "outcome", "enrollment_id"], name="step_run_outcome")),
    ]
