"""Object types and their properties are data; property values keep their history."""

from django.db import models
from django.utils import timezone


class ObjectType(models.Model):
    """A kind of record: contact, company, deal … or one a company made for itself."""

    key = models.TextField(primary_key=True)  # contact, company, line_item ...; one's own: contract
    plural = models.TextField(default="")  # contacts, companies; what addresses and programs call it
    type_id = models.TextField(default="")  # what HubSpot clients call it: "0-1"; one's own: "2-101"
    label = models.TextField()  # English msgid of a built-in type, else as typed
    label_plural = models.TextField()
    description = models.TextField(default="")
    icon = models.TextField(default="box")  # a Lucide name
    primary_property = models.TextField()  # what a record is called by: "name", "dealname"
    secondary_properties = models.JSONField(default=list)  # shown below it
    searchable = models.JSONField(default=list)  # names of the properties that quick search reads
    stage_property = models.TextField(default="")  # where the pipeline stage is kept; empty: no pipelines
    activity = models.BooleanField(default=False)  # something that happened with people: note, call, task ...
    builtin = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "object_type"
        constraints = [
            models.UniqueConstraint(fields=["type_id"], name="object_type_id"),
            models.UniqueConstraint(fields=["plural"], name="object_type_plural"),
        ]


class PropertyType(models.TextChoices):
    """How a value is stored and compared."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    BOOLEAN = "boolean"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    USER = "user"


class FieldType(models.TextChoices):
    """How a value is asked for and shown; empty: as its type usually is."""

    USUAL = ""
    TEXTAREA = "textarea"  # text of several lines
    HTML = "html"  # text with format
    RADIO = "radio"  # a choice shown whole
    CURRENCY = "currency"  # a number of money in the account's currency
    PERCENT = "percent"  # 0.2 is 20 %
    DURATION = "duration"  # a number of milliseconds
    FILE = "file"  # ids of files, joined by ;


class PropertyGroup(models.Model):
    """A heading under which properties stand together."""

    object_type = models.ForeignKey(ObjectType, on_delete=models.CASCADE, related_name="groups")
    name = models.TextField()
    label = models.TextField()
    position = models.IntegerField(default=0)
    builtin = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property_group"
        constraints = [models.UniqueConstraint(fields=["object_type", "name"], name="property_group_name")]
        ordering = ["position", "id"]


class PropertyDefinition(models.Model):
    object_type = models.ForeignKey(ObjectType, on_delete=models.CASCADE, related_name="definitions")
    name = models.TextField()  # internal: lower case, digits, underscore; never renamed
    label = models.TextField()  # what people read; built-in labels are English msgids shown through gettext
    description = models.TextField(default="")
    type = models.TextField(choices=PropertyType.choices)
    field_type = models.TextField(choices=FieldType.choices, default="", blank=True)
    group = models.TextField(default="basic")  # PropertyGroup.name
    options = models.JSONField(default=list)  # [{"value": "exec", "label": "Executive", "archived": false}]
    required = models.BooleanField(default=False)
    unique_value = models.BooleanField(default=False)  # one live record has a value; kept in UniqueValue, an e-mail address in Identity
    read_only = models.BooleanField(default=False)  # set by Baton, not by people
    hidden = models.BooleanField(default=False)  # for programs; pages do not offer it
    form_field = models.BooleanField(default=True)  # forms may ask for it
    formula = models.TextField(default="")  # a calculated property: see crm/formulas.py; always read_only
    indexed = models.BooleanField(default=False)  # sorted and compared by an index of its own: see crm/indexes.py
    builtin = models.BooleanField(default=False)
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property_definition"
        constraints = [models.UniqueConstraint(fields=["object_type", "name"], name="property_name")]
        ordering = ["position", "id"]


class PropertyHistory(models.Model):
    """One row for each change of one value, by record (a contact's id is a record id too).

    The values a record is created with are not here: its first value is the `old` of the first change, or what it has now,
    since `created_at` by `created_by` (crm/trail.py puts both together).
    """

    pk = models.CompositePrimaryKey("record_id", "id")
    record_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('property_history_id_seq')
    object_type = models.TextField()
    name = models.TextField()
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    actor = models.TextField()
    source = models.TextField(default="")  # page, api, form, workflow, import, rule, merge
    at = models.DateTimeField()

    class Meta:
        db_table = "property_history"


class UniqueValue(models.Model):
    """Which live record has a value of a property with `unique_value`. E-mail addresses of contacts are in Identity."""

    pk = models.CompositePrimaryKey("value", "name", "object_type")
    value = models.TextField()
    name = models.TextField()
    object_type = models.TextField()
    record_id = models.BigIntegerField()

    class Meta:
        db_table = "unique_value"
        indexes = [models.Index(fields=["record_id"], name="unique_value_record")]
