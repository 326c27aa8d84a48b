"""Files on records: bytes in the database, so that one backup has everything."""

from django.db import models


class File(models.Model):
    """A file attached to one record. At most crm.files.LARGEST bytes."""

    pk = models.CompositePrimaryKey("record_id", "id")
    record_id = models.BigIntegerField()  # the record it was added to
    id = models.BigIntegerField()  # nextval('record_id_seq')
    name = models.TextField()
    media_type = models.TextField()
    size = models.BigIntegerField()  # bytes
    digest = models.TextField()  # sha256, hex
    content = models.BinaryField()
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "file"
