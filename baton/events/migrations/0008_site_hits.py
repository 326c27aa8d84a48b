from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0007_mail_networks"),
    ]

    operations = [
        migrations.AddField(model_name="site", name="hits", field=models.IntegerField(db_default=0, default=0)),
        migrations.AddField(model_name="site", name="hits_on", field=models.DateField(null=True)),
    ]
