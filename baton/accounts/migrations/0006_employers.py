from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_handover'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='employers',
            field=models.JSONField(default=dict),
        ),
    ]
