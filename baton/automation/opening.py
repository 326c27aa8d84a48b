"""Steps that do their work only while it is open: who comes at another time waits until then."""

from collections.abc import Sequence

from django.utils.translation import gettext

from baton.automation.step import Batch, Standing
from baton.crm import calendar
from baton.crm.calendar import Hours, Weekday, Whose
from baton.platform.errors import Problem


def wait(batch: Batch, standing: Sequence[Standing], hours: Hours, zone: Whose) -> list[Standing]:
    """Keep those for whom it is closed now until it opens; returns the others. A public holiday is named in the log."""
    zones = calendar.zones([one.contact_id for one in standing], batch.object_type, zone)
    opens = {zone: calendar.next_open(batch.now, zone, hours) for zone in {*zones.values()}}
    free = []
    for one in standing:
        here = zones[one.contact_id]
        if opens[here] <= batch.now:
            free.append(one)
            continue
        named = calendar.holiday(batch.now.astimezone(here).date()) if hours.holidays else ""
        batch.wait(one, opens[here], **({"holiday": named} if named else {}))
    return free


def problems(days: Sequence[Weekday], start: str, end: str) -> list[Problem]:
    """What is wrong with opening hours; paths are `days` and `end`."""
    found = [] if days else [Problem("days", "REQUIRED", gettext("Choose at least one day."))]
    if start and end and end != "00:00" and calendar.clock(end) <= calendar.clock(start):
        found.append(Problem("end", "INVALID_VALUE", gettext("The end must be later than the beginning.")))
    return found
