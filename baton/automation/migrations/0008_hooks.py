import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automation", "0007_people_behind_counts")]

    operations = [
        migrations.CreateModel(
            name="Hook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trigger", models.TextField()),
                ("digest", models.TextField(unique=True)),
                ("sealed", models.TextField()),
                ("made_by", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("workflow", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="hooks", to="automation.workflow")),
            ],
            options={
                "db_table": "workflow_hook",
                "constraints": [models.UniqueConstraint(fields=("workflow", "trigger"), name="workflow_hook_once")],
            },
        ),
    ]
