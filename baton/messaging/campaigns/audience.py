"""Who a campaign is for, as SQL: the members of its lists and single contacts, without those of other lists; or whoever did not open another campaign.

{"lists": [id], "except": [id], "contacts": [id], "except_contacts": [id]}. Whether somebody may be written to is not asked here: the gate says it.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.messaging.models import Campaign
from baton.platform.errors import Problem
from baton.query.statement import Sql
from baton.segments.models import Segment

KEYS = ("lists", "except", "contacts", "except_contacts")
MOST = 10_000  # ids of one kind

ONE_LIST = "SELECT p.contact_id FROM membership p WHERE p.segment_id = %(audience_list)s"  # nobody is in it twice, and they come in order
NAMED = """
SELECT p.contact_id FROM (
    SELECT m.contact_id FROM membership m WHERE m.segment_id = ANY (%(audience_lists)s::bigint[])
    UNION
    SELECT c.id FROM contact c WHERE c.id = ANY (%(audience_contacts)s::bigint[]) AND c.archived_at IS NULL
) p
"""
# Whom the other campaign reached and who gave no sign of reading it: neither opened it nor clicked, as far as a person and not a program did so.
UNREAD = """
SELECT p.contact_id FROM (
    SELECT m.contact_id FROM message m WHERE m.campaign_id = %(audience_again)s AND m.state IN ('sent', 'delivered') AND NOT EXISTS (
        SELECT 1 FROM event e
        WHERE e.contact_id = m.contact_id AND e.kind IN (11, 12) AND e.ts >= m.created_at
            AND e.payload ->> 'message' = m.id::text AND NOT e.payload ? 'machine'
    )
) p
"""
WITHOUT = {
    "except": "NOT EXISTS (SELECT 1 FROM membership x WHERE x.contact_id = p.contact_id AND x.segment_id = ANY (%(audience_except)s::bigint[]))",
    "except_contacts": "p.contact_id <> ALL (%(audience_except_contacts)s::bigint[])",
}


def people(campaign: Campaign) -> Sql:
    """A `SELECT contact_id` of everybody the campaign is for, each once."""
    wanted = {key: campaign.audience.get(key) or [] for key in KEYS}
    params: dict[str, Any] = {f"audience_{key}": ids for key, ids in wanted.items()}
    if campaign.again_of_id is not None:
        text, params["audience_again"] = UNREAD, campaign.again_of_id
    elif len(wanted["lists"]) == 1 and not wanted["contacts"]:
        text, params["audience_list"] = ONE_LIST, wanted["lists"][0]
    else:
        text = NAMED
    left_out = " AND ".join(condition for key, condition in WITHOUT.items() if wanted[key])
    joint = "AND" if text == ONE_LIST else "WHERE"
    return Sql(f"{text} {joint} {left_out}" if left_out else text, params)


def problems(stored: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an audience somebody gave; paths begin with `audience.`. That it names nobody yet is nothing wrong."""
    found = [Problem(f"audience.{name}", "INVALID_FIELD", _("There is no such setting.")) for name in sorted(stored.keys() - set(KEYS))]
    for key in KEYS:
        ids = stored.get(key) or []
        if not isinstance(ids, list) or len(ids) > MOST or not all(type(id) is int and 0 < id < 2**63 for id in ids):
            found.append(Problem(f"audience.{key}", "INVALID_LIST", _("Expected at most {most} numbers.").format(most=f"{MOST:,}")))
        elif key in ("lists", "except") and (gone := set(ids) - set(Segment.objects.filter(pk__in=ids, archived_at=None).values_list("pk", flat=True))):
            found.append(Problem(f"audience.{key}", "NOT_FOUND", _("There is no list {id}.").format(id=min(gone))))
    return found


def named(campaign: Campaign) -> bool:
    """Whether it says whom it is for."""
    return campaign.again_of_id is not None or any(campaign.audience.get(key) for key in ("lists", "contacts"))


def being_found(campaign: Campaign) -> list[str]:
    """Names of its lists whose members are still being worked out: until then nobody knows whom it is for."""
    ids = [*(campaign.audience.get("lists") or []), *(campaign.audience.get("except") or [])]
    waiting = Segment.objects.filter(pk__in=ids, kind="active", evaluated_at=None).exclude(filter={})
    return list(waiting.order_by("name").values_list("name", flat=True))
