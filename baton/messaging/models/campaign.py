"""A campaign: one mail to an audience."""

from django.db import models


class Campaign(models.Model):
    """One mail to an audience, once. Local table.

    state: draft -> scheduled -> preparing (the audience is being frozen) -> sending <-> paused -> done | cancelled; testing while an A/B test runs.
    """

    name = models.TextField()
    state = models.TextField(default="draft")
    channel = models.TextField(default="email")
    email_id = models.BigIntegerField(null=True)
    audience = models.JSONField(default=dict)  # {"lists": [id], "except": [id], "contacts": [id], "except_contacts": [id]}: see campaigns/audience.py
    plan = models.JSONField(default=dict)  # when and how fast: see campaigns/plan.py
    test = models.JSONField(default=dict)  # the A/B test: {} none; see campaigns/ab.py
    goal = models.JSONField(default=dict, db_default={})  # what counts as a conversion, {} nothing: see campaigns/goals.py
    again_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="again")  # a second sending to those who did not open this one
    due_at = models.DateTimeField(null=True)  # when it was to begin
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    stopped_for = models.TextField(blank=True, default="")  # why it was paused, when Baton itself did it
    people = models.IntegerField(default=0)  # of the frozen audience
    archived_at = models.DateTimeField(null=True)
    created_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "campaign"
        indexes = [models.Index(fields=["state", "due_at"], name="campaign_state")]


class Variant(models.Model):
    """What some people of a campaign get: the version of a mail that is frozen when the campaign starts. Without a test there is one, "a". Local table."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="variants")
    key = models.TextField()  # a, b ...
    email_id = models.BigIntegerField()
    version = models.IntegerField(default=0)  # EmailVersion.number; 0 until it starts
    subject = models.TextField(blank=True, default="")  # instead of the mail's own
    from_name = models.TextField(blank=True, default="")
    share = models.IntegerField(default=100)  # percent of those who take part in the test

    class Meta:
        db_table = "campaign_variant"
        constraints = [models.UniqueConstraint(fields=["campaign", "key"], name="campaign_variant_key")]


class CampaignTally(models.Model):
    """What became of a campaign's messages, as differences written in the transaction that changed them; their sum is the number. By bucket."""

    pk = models.CompositePrimaryKey("bucket", "id")
    bucket = models.SmallIntegerField()
    id = models.BigIntegerField()  # nextval('message_id_seq')
    campaign_id = models.BigIntegerField()
    variant = models.TextField()
    state = models.TextField()  # of the messages
    reason = models.TextField(default="")  # of those skipped, failed and bounced: the word, never a carrier's own text
    n = models.IntegerField()

    class Meta:
        db_table = "campaign_tally"
        indexes = [models.Index(fields=["campaign_id"], name="campaign_tally_campaign")]


class CampaignCount(models.Model):
    """What people did with a campaign, counted by a job while it is young: a report reads some rows. Local table."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="counts")
    variant = models.TextField()
    name = models.TextField()  # opened, clicked, machine_opened, unsubscribed, link:<id> ...
    n = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        db_table = "campaign_count"
        constraints = [models.UniqueConstraint(fields=["campaign", "variant", "name"], name="campaign_count_name")]


class Conversion(models.Model):
    """Who reached the goal of a campaign, as it was found when the campaign was counted last: its number opens its people. By contact."""

    pk = models.CompositePrimaryKey("contact_id", "campaign_id")
    contact_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    variant = models.TextField()

    class Meta:
        db_table = "campaign_conversion"
        indexes = [models.Index(fields=["campaign_id", "contact_id"], name="campaign_conversion_campaign")]


class SendCheck(models.Model):
    """What the send check of a campaign said last, counted by a job while the campaign is written. Local table."""

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, primary_key=True, related_name="send_check")
    asked = models.TextField()  # the digest of what was last asked: audience, mail, rules (see campaigns/check.py)
    asked_at = models.DateTimeField()
    key = models.TextField(blank=True, default="")  # the digest that the answer rests on; "" no answer yet
    at = models.DateTimeField(null=True)  # of which moment the answer is
    took = models.IntegerField(default=0)  # milliseconds
    said = models.JSONField(default=dict)  # reason -> how many; "" those who would get it
    people = models.JSONField(default=dict)  # reason -> the first of these contacts

    class Meta:
        db_table = "campaign_check"
