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


class Counted(models.Model):
    """How far the ledger is counted: every booking up to this number is in the two tables above, none after it."""

    id = models.SmallIntegerField(primary_key=True, default=1)  # one row
    upto = models.BigIntegerField(default=0)
    zone = models.TextField(default="")  # where the counted days begin
    next = models.BigIntegerField(default=0)  # the newest booking when somebody last looked …
    looked_at = models.DateTimeField(null=True)  # … and when: it may be counted when every transaction of that time has ended

    class Meta:
        db_table = "ledger_counted"
