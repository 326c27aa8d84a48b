"""What is counted beforehand of the ledger of stages, so that a million contacts are a small sum. Local; counting.py keeps it exact."""

from django.db import models


class FlowDay(models.Model):
    """How many moves of one kind there were on a day of the account."""

    day = models.DateField()
    out_of = models.TextField()
    into = models.TextField()
    path = models.TextField()
    n = models.BigIntegerField()

    class Meta:
        db_table = "flow_day"
        constraints = [models.UniqueConstraint(fields=["day", "out_of", "into", "path"], name="flow_day_once")]


class StayMonth(models.Model):
    """How many people came into a stage on a day, by the month in which they left it: who is there, and for how long, at the end of any month."""

    stage = models.TextField()
    since = models.DateField()
    left = models.DateField()  # first day of the month; STAYS: they are still there
    n = models.BigIntegerField()

    class Meta:
        db_table = "stay_month"
        constraints = [models.UniqueConstraint(fields=["stage", "since", "left"], name="stay_month_once")]


class WayMonth(models.Model):
    """The moves of a month, by the source and owner under which their contacts are counted (crm's BookedFor)."""

    month = models.DateField()
    source = models.TextField()
    owner_id = models.BigIntegerField()  # 0: nobody
    out_of = models.TextField()
    into = models.TextField()
    path = models.TextField()
    n = models.BigIntegerField()
    days = models.BigIntegerField()  # the sum over the moves of the days since 2000-01-01

    class Meta:
        db_table = "way_month"
        constraints = [models.UniqueConstraint(fields=["month", "source", "owner_id", "out_of", "into", "path"], name="way_month_once")]


class CohortMonth(models.Model):
    """How many contacts came first in a month, by the stages they have ever been in, and by source and owner."""

    came = models.DateField()  # first day of the month
    reached = models.TextField()  # the stages, sorted, with chr(31) between them
    source = models.TextField()
    owner_id = models.BigIntegerField()
    n = models.BigIntegerField()

    class Meta:
        db_table = "cohort_month"
        constraints = [models.UniqueConstraint(fields=["came", "reached", "source", "owner_id"], name="cohort_month_once")]


class WhoseDue(models.Model):
    """Contacts whose source or owner may have changed since they were counted."""

    contact_id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "whose_due"


class Counted(models.Model):
    """How far the ledger is counted: every booking up to this number is in the tables of sums, none after it."""

    id = models.SmallIntegerField(primary_key=True, default=1)  # one row
    upto = models.BigIntegerField(default=0)
    zone = models.TextField(default="")  # where the counted days begin
    next = models.BigIntegerField(default=0)  # the newest booking when somebody last looked …
    looked_at = models.DateTimeField(null=True)  # … and when: it may be counted when every transaction of that time has ended

    class Meta:
        db_table = "ledger_counted"
