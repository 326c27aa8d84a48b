"""Object types and their properties are data; property values keep their history."""

from django.db import models


class ObjectType(models.Model):
    key = models.TextField(primary_key=True)  # contact, company, deal, ticket
    label = models.TextField()  # English; shown through gettext
    label_plural = models.TextField()
    primary_property = models.TextField()  # what a record is called by: "name", "dealname"

    class Meta:
        db_table = "object_type"


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


class PropertyDefinition(models.Model):
    object_type = models.ForeignKey(ObjectType, on_delete=models.CASCADE, related_name="definitions")
    name = models.TextField()  # internal: lower case, digits, underscore; never renamed
    label = models.TextField()  # what people read; built-in labels are English msgids shown through gettext
    type = models.TextField(choices=PropertyType.choices)
    group = models.TextField(default="basic")
    options = models.JSONField(default=list)  # [{"value": "exec", "label": "Executive", "archived": false}]
    required = models.BooleanField(default=False)
    unique_value = models.BooleanField(default=False)
    read_only = models.BooleanField(default=False)  # set by Baton, not by people
    builtin = models.BooleanField(default=False)
    position = models.IntegerField(default=0)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "property_definition"
        constraints = [models.UniqueConstraint(fields=["object_type", "name"], name="property_name")]
        ordering = ["position", "id"]


class PropertyHistory(models.Model):
    """One row for each change of one value, by record (a contact's id is a record id too)."""

    pk = models.CompositePrimaryKey("record_id", "id")
    record_id = models.BigIntegerField()
    id = models.BigIntegerField()  # nextval('property_history_id_seq')
    object_type = models.TextField()
    name = models.TextField()
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    actor = models.TextField()
    source = models.TextField(default="")  # page, api, form, workflow, import, rule
    at = models.DateTimeField()

    class Meta:
        db_table = "property_history"
