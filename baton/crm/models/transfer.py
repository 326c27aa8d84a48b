"""Files on their way in and out: imports with what they did, so that they can be undone, and exports with their result. Bytes are kept in pieces."""

from django.db import models


class Import(models.Model):
    """A file on its way in. `columns` has one entry a column: {"to": target[, "values": {text: stored}, "dates": "dmy"]}, see crm/imports/targets.py."""

    object_type = models.TextField()  # what a row is above all; "activity": calls, meetings … in one file
    name = models.TextField()  # of the file
    size = models.BigIntegerField()  # bytes
    state = models.TextField(default="draft")  # draft, waiting, running, done, failed, undoing, undone
    layout = models.JSONField(default=dict)  # how the file is read: crm/imports/reading.py Layout
    headers = models.JSONField(default=list)
    seen = models.JSONField(default=list)  # of each column: examples and distinct values, for matching
    columns = models.JSONField(default=list)
    options = models.JSONField(default=dict)  # crm/imports/options.py
    origin = models.TextField(default="")  # whose export it is: hubspot, mailchimp, stibee, salesmap
    rows = models.BigIntegerField(default=0)  # data rows in the file
    position = models.BigIntegerField(default=0)  # rows that are done: a worker that takes over goes on here
    counts = models.JSONField(default=dict)  # {"created": 3, "updated": 1, "same": 0, "skipped": 0, "double": 0, "faulty": 0, "linked": 2}
    notes = models.JSONField(default=list)  # what the user should know: [{"code", "text", "rows"}]
    trouble = models.TextField(default="")  # why it failed
    actor = models.TextField()
    language = models.TextField(default="ko")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    told = models.BooleanField(default=True)  # false: it ended, and its owner has not been notified

    class Meta:
        db_table = "import"
        indexes = [models.Index(fields=["id"], condition=models.Q(told=False), name="import_untold")]


class ImportPart(models.Model):
    """A piece of an import's file."""

    pk = models.CompositePrimaryKey("import_id", "number")
    import_id = models.BigIntegerField()
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "import_part"


class ImportChange(models.Model):
    """What an import did to one record."""

    pk = models.CompositePrimaryKey("record_id", "import_id")
    import_id = models.BigIntegerField()
    record_id = models.BigIntegerField()
    object_type = models.TextField()
    created = models.BooleanField()
    before = models.JSONField(default=dict)  # of an updated record: name -> value before this import
    after = models.JSONField(default=dict)  # the same names -> what this import wrote

    class Meta:
        db_table = "import_change"
        indexes = [models.Index(fields=["import_id"], name="import_change_import")]


class ImportLink(models.Model):
    """A link that an import made."""

    pk = models.CompositePrimaryKey("from_id", "to_id", "import_id")
    import_id = models.BigIntegerField()
    from_id = models.BigIntegerField()
    to_id = models.BigIntegerField()
    from_type = models.TextField()
    to_type = models.TextField()

    class Meta:
        db_table = "import_link"
        indexes = [models.Index(fields=["import_id"], name="import_link_import")]


class ImportConsent(models.Model):
    """An answer to consent that an import wrote, with the one before."""

    pk = models.CompositePrimaryKey("contact_id", "channel", "import_id")
    import_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    channel = models.TextField()
    before = models.JSONField(null=True)  # {"granted", "at", "source", "wording", "actor"}; null: never asked
    granted = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table = "import_consent"
        indexes = [models.Index(fields=["import_id"], name="import_consent_import")]


class ImportFault(models.Model):
    """A row, or one value of a row, that could not be taken."""

    pk = models.CompositePrimaryKey("import_id", "number", "place")
    import_id = models.BigIntegerField()
    number = models.BigIntegerField()  # of the data row, from 1
    place = models.IntegerField()  # several faults of one row: 0, 1, 2
    column = models.TextField()  # header; empty: the whole row
    code = models.TextField()
    message = models.TextField()
    taken = models.BooleanField()  # the rest of the row was imported
    cells = models.JSONField(default=list)  # the row as it came, at its first fault

    class Meta:
        db_table = "import_fault"


class Export(models.Model):
    """A view on its way out to a file."""

    object_type = models.TextField()
    title = models.TextField(default="")  # of the view
    filter = models.JSONField(default=dict)  # stored filter; {} is everybody
    text = models.TextField(default="")  # quick search on top of it
    ids = models.JSONField(null=True)  # only these records; null: all that match
    columns = models.JSONField(default=list)  # property names
    format = models.TextField()  # csv, xlsx
    encoding = models.TextField()  # utf-8, cp949
    names = models.TextField(default="labels")  # labels, internal: what heads the columns
    values = models.TextField(default="words")  # words, raw
    state = models.TextField(default="waiting")  # waiting, running, done, failed, expired
    rows = models.BigIntegerField(default=0)  # expected
    position = models.BigIntegerField(default=0)  # written
    size = models.BigIntegerField(default=0)  # bytes
    notes = models.JSONField(default=list)
    trouble = models.TextField(default="")
    actor = models.TextField()
    language = models.TextField(default="ko")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    told = models.BooleanField(default=True)

    class Meta:
        db_table = "export"
        indexes = [models.Index(fields=["id"], condition=models.Q(told=False), name="export_untold")]


class ExportPart(models.Model):
    """A piece of an export's file."""

    pk = models.CompositePrimaryKey("export_id", "number")
    export_id = models.BigIntegerField()
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "export_part"
