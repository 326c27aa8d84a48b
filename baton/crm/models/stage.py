"""The life-cycle stages and the ledger of every move between them."""

from django.db import models


class LifecycleStage(models.Model):
    """What a stage is, beside its name and order, which are those of the option of `lifecyclestage`. Local."""

    key = models.TextField(primary_key=True)  # the option's value
    kind = models.TextField(default="forward")  # forward (the way to a contract), won, recycle, dead_end, aside (no place on the way)
    team = models.TextField(blank=True, default="")  # marketing, inside_sales, sales, success
    rule = models.JSONField(default=dict)  # who enters: {"mode": score | filter | either | both, "model": key, "band": key, "filter": {}}; {}: people say so
    returns_to = models.TextField(blank=True, default="")  # of a recycle stage: the stage its people go back to
    days = models.IntegerField(null=True)  # longer than this here, a lead is stuck
    changed_at = models.DateTimeField(null=True)  # when the rule last changed: marked on the charts
    looked_at = models.DateTimeField(null=True)  # windows of the rule were looked at until then

    class Meta:
        db_table = "lifecycle_stage"


class Booking(models.Model):
    """One move between stages. "" is outside: a contact comes in from there and goes out to there. Appended only, by contact.

    So for every stage and period: opening + in - out = closing. Who is erased or merged leaves his bookings behind under a number of nobody's.
    """

    pk = models.CompositePrimaryKey("contact_id", "id")
    contact_id = models.BigIntegerField()
    id = models.BigIntegerField()
    at = models.DateTimeField()
    out_of = models.TextField(default="")
    into = models.TextField(default="")
    path = models.TextField()  # entry, forward, fast_pass, recycle, return, dead_end, reopen, back, exit
    actor = models.TextField()
    source = models.TextField(default="")  # rule, page, api, import, workflow, verdict, merge, archive, restore ...
    reason = models.TextField(blank=True, default="")

    class Meta:
        db_table = "booking"
        indexes = [
            models.Index(fields=["at", "contact_id"], include=["out_of", "into", "path"], name="booking_at"),
            models.Index(fields=["id"], name="booking_id"),  # what is new since reports counted last
        ]


class BookedFor(models.Model):
    """The source and the owner under which reports count a contact's bookings: those he has now, or had last. Local, kept by reports (analytics/whose.py)."""

    contact_id = models.BigIntegerField(primary_key=True)
    source = models.TextField()  # "": none
    owner_id = models.BigIntegerField()  # 0: nobody

    class Meta:
        db_table = "booked_for"
