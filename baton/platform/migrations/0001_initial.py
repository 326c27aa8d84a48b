from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        *(
            migrations.RunSQL(f"CREATE SEQUENCE {name}", f"DROP SEQUENCE {name}")
            for name in (
                "change_id_seq",
                "record_id_seq",
                "property_history_id_seq",
                "form_submission_id_seq",
                "message_id_seq",
                "enrollment_id_seq",
            )
        ),
    ]
