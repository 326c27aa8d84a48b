"""What people are given to read, see and click. Ids of assets and pages come from `record_id_seq`: files hang on them as they do on records."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Asset(models.Model):
    """A piece of content: what it is, for whom it is (stage), and who is asked for a form before it opens (gate). Local table."""

    id = models.BigIntegerField(primary_key=True)  # nextval('record_id_seq')
    guid = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.TextField()  # page, file, video, webinar, link
    title = models.TextField()
    description = models.TextField(default="", blank=True)
    language = models.TextField(default="ko")
    stage = models.TextField()  # early, middle, late: how far its readers are
    gate = models.TextField(default="by_stage")  # never, if_unknown, always, by_stage
    form_id = models.BigIntegerField(null=True)  # what is asked; a form of forms.Form
    file_id = models.BigIntegerField(null=True)  # crm.File with record_id = id
    # page and link: the address; file: where else it can be had; video: YouTube, Vimeo or a file; webinar: where to join
    url = models.TextField(default="", blank=True)
    replay_url = models.TextField(default="", blank=True)  # webinar: the recording
    starts_at = models.DateTimeField(null=True)  # webinar
    minutes = models.IntegerField(null=True)  # webinar: how long it takes
    event_name = models.TextField(default="", blank=True)  # webinar: its name in `attended` events; stays when the title changes
    topics = ArrayField(models.TextField(), default=list, blank=True)
    published_at = models.DateTimeField(null=True)  # from then on its address answers
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "asset"


class AssetCount(models.Model):
    """What happened around an asset or a landing page in the last days, counted by a job: a page of all of them reads one row each. Local table."""

    subject_id = models.BigIntegerField(primary_key=True)  # asset or landing page
    views = models.BigIntegerField(default=0)
    downloads = models.BigIntegerField(default=0)  # of files; of videos and webinars: watched and attended
    visitors = models.BigIntegerField(default=0)  # everybody, known or not
    known = models.BigIntegerField(default=0)  # contacts among them
    answers = models.BigIntegerField(default=0)  # forms sent on its pages
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "asset_count"


class LandingPage(models.Model):
    """A public page at /p/<slug>/, made of blocks. What the public sees is a published version; the draft is the editors'. Local table."""

    id = models.BigIntegerField(primary_key=True)  # nextval('record_id_seq')
    name = models.TextField()
    slug = models.TextField(unique=True)
    language = models.TextField(default="ko")
    stage = models.TextField(default="", blank=True)  # as of assets; "": not said
    draft = models.JSONField(default=dict)  # see blocks.py
    published = models.ForeignKey("PageVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "landing_page"


class PageVersion(models.Model):
    """A landing page as it was published; never changed afterwards. Local table."""

    page = models.ForeignKey(LandingPage, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    content = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "landing_page_version"
        constraints = [models.UniqueConstraint(fields=["page", "number"], name="landing_page_version_number")]


class ShortLink(models.Model):
    """An address /l/<code> that leads on and is counted; as a QR code it stands on a booth. Local table."""

    code = models.TextField(unique=True)
    name = models.TextField()
    url = models.TextField()
    utm = models.JSONField(default=dict)  # {"utm_source": ...}: put into the address it leads to
    medium = models.TextField(default="link")  # link, qr
    place = models.TextField(default="", blank=True)  # the fair or booth where it hangs
    active = models.BooleanField(default=True)
    created_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "short_link"


class ShortLinkDay(models.Model):
    """How often a short link was used on a day of the account, by whomever. A click makes nobody a contact. Local table."""

    pk = models.CompositePrimaryKey("link_id", "day")
    link_id = models.BigIntegerField()
    day = models.DateField()
    people = models.BigIntegerField(default=0, db_default=0)  # clicks that look like a person's
    machines = models.BigIntegerField(default=0, db_default=0)  # previews, scanners, monitors

    class Meta:
        db_table = "short_link_day"
