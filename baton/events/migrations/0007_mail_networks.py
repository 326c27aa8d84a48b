from django.db import migrations

# Who asked for mails of one sending from one network at the same instant: hits.py looks around every open and click.
INDEX = """
CREATE INDEX event_mail_network ON event (kind, key, (payload ->> 'net'), ts)
WHERE kind IN (11, 12) AND payload ? 'net'
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0006_sessions_sites")]

    operations = [migrations.RunSQL(INDEX, "DROP INDEX event_mail_network")]
