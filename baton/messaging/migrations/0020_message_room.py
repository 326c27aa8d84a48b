"""Half of each page of messages is left free: the answer to a message is written beside it, and its indexes get no second entry."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0019_null_mx")]

    operations = [
        migrations.RunSQL("ALTER TABLE message SET (fillfactor = 50)", "ALTER TABLE message RESET (fillfactor)"),
    ]
