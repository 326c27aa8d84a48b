from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0008_site_hits'),
    ]

    operations = [
        migrations.AddField(
            model_name='session',
            name='marks',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
