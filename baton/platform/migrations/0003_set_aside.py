from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("platform", "0002_tables")]
    operations = [
        migrations.AddField("change", "tries", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AddField("change", "again_at", models.DateTimeField(null=True)),
        migrations.AddField("change", "trouble", models.TextField(default="", db_default="")),
    ]
