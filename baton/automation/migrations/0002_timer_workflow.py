from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automation", "0001_tables")]

    operations = [
        migrations.AddField(
            model_name="timer",
            name="workflow_id",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
    ]
