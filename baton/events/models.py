"""Facts about people. `event` is partitioned by month; its DDL is in the migration."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class EventKey(models.Model):
    """What an event was about (this page, this form, this e-mail ...), so that the big table holds a number only.

    A pattern such as "address starts with /blog" is resolved here first. Local table.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.SmallIntegerField()
    value = models.TextField()  # page: host/path; form, e-mail, workflow, segment: their id; link: address
    label = models.TextField(default="")  # page title, form name ... as last seen
    # of content: early, middle, late (how far the buyer is), case_study ...
    tags = ArrayField(models.TextField(), default=list, db_default=models.expressions.RawSQL("'{}'::text[]", ()))
    rating = models.SmallIntegerField(null=True)  # what a form or a file is worth, 1 to 10

    class Meta:
        db_table = "event_key"
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="event_key_value")]
        indexes = [models.Index(fields=["id"], condition=~models.Q(tags=[]), name="event_key_tagged")]


class Event(models.Model):
    """One fact about one contact. The same (contact, time, id) is recorded once."""

    pk = models.CompositePrimaryKey("contact_id", "ts", "id")
    contact_id = models.BigIntegerField()
    ts = models.DateTimeField()
    id = models.BigIntegerField()  # random below 2^53, or given by the browser
    kind = models.SmallIntegerField()  # vocabulary.Kind
    key = models.BigIntegerField()  # event_key.id, or 0
    value = models.FloatField(null=True)  # seconds of a dwell, points of a score change ...
    payload = models.JSONField(default=dict)

    class Meta:
        db_table = "event"


class Visitor(models.Model):
    """The profile of everybody who was ever seen in a browser, known or not. Shares its id with the contact."""

    contact_id = models.BigIntegerField(primary_key=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    first_page = models.TextField(default="")
    first_referrer = models.TextField(default="")
    user_agent = models.TextField(default="")
    country = models.TextField(default="", db_default="")  # ISO 3166, by address or else by language and time zone
    language = models.TextField(default="", db_default="")  # of the browser, as ko-KR
    zone = models.TextField(default="", db_default="")  # time zone of the browser
    device = models.TextField(default="", db_default="")  # desktop, phone, tablet
    choice = models.TextField(default="", db_default="")  # what was answered to the banner: granted, refused; "" not asked

    class Meta:
        db_table = "visitor"
        indexes = [models.Index(fields=["-last_seen_at", "-contact_id"], name="visitor_last_seen")]


class Session(models.Model):
    """One visit: views without a break of half an hour, within a day, from one source. By contact; worked out from the events (sessions.py)."""

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()  # the id of its first event
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()  # the last event
    views = models.IntegerField()
    source = models.TextField()  # sources.CLASSES: direct, organic_search, paid_search ...
    detail_1 = models.TextField(default="", db_default="")  # engine, site, campaign ..., by source
    detail_2 = models.TextField(default="", db_default="")
    campaign = models.JSONField(default=dict)  # utm_* and click ids as given: {"utm_source": ...}
    landing = models.TextField(default="", db_default="")  # address of the first page
    referrer = models.TextField(default="", db_default="")
    leaving = models.TextField(default="", db_default="")  # address of the last page
    device = models.TextField(default="", db_default="")
    marks = models.BigIntegerField(default=0, db_default=0)  # a check sum of its views' ids: whether others came or went since (sessions.py)

    class Meta:
        db_table = "session"
        indexes = [
            models.Index(fields=["contact_id", "started_at"], name="session_begin"),
            models.Index(fields=["started_at", "source"], name="session_source"),
        ]


class Site(models.Model):
    """A web site that may send hits, with everything below its domain, and what its visitors are asked. Local table."""

    domain = models.TextField(unique=True)  # example.com; covers www.example.com
    group = models.TextField(default="", db_default="")  # sites of one group hand the visitor on by their links
    banner = models.JSONField(default=dict)  # mode, text in every language, versions of it; see sites.py
    seen_at = models.DateTimeField(null=True)  # the last hit
    hits = models.IntegerField(default=0, db_default=0)  # of the day `hits_on`, in the account's zone
    hits_on = models.DateField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "site"


class EventDefinition(models.Model):
    """A kind of event that a company sends itself: an order, a sign-in … Local table."""

    name = models.TextField(unique=True)  # small letters, digits, underscore; what event_key holds
    label = models.TextField()
    description = models.TextField(blank=True, default="")
    properties = models.JSONField(default=list)  # [{"name", "label", "type": string | number | enumeration | datetime, "options"}]
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "event_definition"
