"""What people answered, as the law's notices say it: a merge field `consents` with channel, answer, day and the words they saw."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import consent
from baton.messaging import rules
from baton.platform import sql
from baton.platform.config import config

ANSWERS = """
SELECT contact_id, json_agg(json_build_array(channel, granted, to_char(at AT TIME ZONE %s, 'YYYY-MM-DD'), wording) ORDER BY channel)::text
FROM consent WHERE contact_id = ANY(%s) GROUP BY contact_id
"""


def mentioned(*sources: str) -> bool:
    """Whether a template reads them."""
    return any("consents" in source for source in sources)


def answers(contact_ids: Sequence[int]) -> Mapping[int, list[dict[str, Any]]]:
    """By contact, in the language the law or the account speaks; one query. Who never answered is left out."""
    found = sql.rows(ANSWERS, [str(ZoneInfo(config().time_zone)), list(contact_ids)])
    with translation.override("ko" if rules.rules().korean else config().language):
        yes, no = _("You agreed to receive advertising"), _("You do not want to receive advertising")
        return {
            contact_id: [
                {"channel": consent.channel_name(channel), "answer": yes if granted else no, "at": at, "wording": wording}
                for channel, granted, at, wording in json.loads(rows)
            ]
            for contact_id, rows in found
        }
