"""Moving over from another mail tool: what was chosen, and how far it is."""

from django.db import models


class Move(models.Model):
    """Subscribers, opt-outs, bounced addresses and groups that come from another mail tool, by its export file or its API. Local table.

    state: running <-> waiting (the other side asked for patience, or is away) -> done | failed | stopped.
    """

    service = models.TextField()  # stibee, mailchimp
    via = models.TextField()  # file, api
    name = models.TextField(blank=True, default="")  # of the file, or of the lists
    options = models.JSONField(default=dict)  # movers.verbs.Options
    secret = models.TextField(blank=True, default="")  # the key of the API, encrypted; forgotten at the end
    content = models.BinaryField(null=True)  # the file; forgotten at the end
    state = models.TextField(default="running")
    cursor = models.JSONField(default=dict)  # where it goes on: {"row"} of a file, {"list", "status", "offset"} of an API
    counts = models.JSONField(default=dict)  # what became of people, see movers/run.py
    problems = models.JSONField(default=list)  # [[row, code]]: the first of those that could not be taken
    tries = models.IntegerField(default=0)  # failed looks at the other side in a row
    due_at = models.DateTimeField(null=True)  # when a waiting one goes on
    trouble = models.TextField(blank=True, default="")  # why it waits or failed
    actor = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "move"
