from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("platform", "0003_set_aside")]
    operations = [migrations.AddField("change", "fact", models.TextField(default="", db_default=""))]
