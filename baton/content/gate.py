"""Who is asked for a form before a piece of content opens: by what it is and by how far its readers are.

By stage: early content never asks. Middle content asks everybody once, those we know too, since their answers are what it is for. Late
content asks only people we do not know: who is known is not stopped again on the way to a decision.

| gate       | nobody we know          | a contact with an e-mail address |
| early      | open                    | open                             |
| middle     | ask                     | ask, unless this form was sent   |
| late       | ask                     | open                             |
| never      | open                    | open                             |
| if_unknown | ask                     | open                             |
| always     | ask                     | ask                              |

Whoever has just sent the form gets a pass: a signed address that opens this one asset for a while, with or without a cookie.
"""

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from baton.content import assets
from baton.content.models import Asset
from baton.crm import contacts
from baton.events import identity
from baton.events.vocabulary import Kind
from baton.events.wire import is_cookie
from baton.platform import signing, sql
from baton.platform.config import config
from baton.platform.errors import NotFound

PASS = 60 * 60  # seconds for which a sent form opens the asset
FILE = 60 * 60  # seconds a file's address is good for
PLAY = 12 * 60 * 60  # of a video: it is asked for piece by piece while it plays
OF_STAGE = {"early": "never", "middle": "once", "late": "if_unknown"}

KNOWN = "SELECT 1 FROM contact WHERE id = %s AND archived_at IS NULL AND coalesce(email, '') <> ''"
ANSWERED = """
SELECT DISTINCT k.value FROM event e JOIN event_key k ON k.id = e.key
WHERE e.contact_id = %s AND e.kind = %s
"""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `contact_id` is a visitor's or a contact's, 0 for somebody without a cookie."""

    contact_id: int = 0
    known: bool = False
    answered: frozenset[int] = frozenset()  # forms he has sent


NOBODY = Visitor()


def decide(asset: Asset, known: bool, has_answered: Collection[int] = ()) -> Literal["open", "ask"]:
    """Whether somebody sees the asset or is asked for its form first."""
    if asset.form_id is None:
        return "open"
    gate = OF_STAGE[asset.stage] if asset.gate == "by_stage" else asset.gate
    match gate:
        case "never":
            return "open"
        case "if_unknown":
            return "open" if known or asset.form_id in has_answered else "ask"
        case "once":
            return "open" if asset.form_id in has_answered else "ask"
        case _:
            return "ask"


def visitor(cookie: str, passed: int = 0) -> Visitor:
    """Who comes with this cookie, else with a pass made for this contact. At most four short queries."""
    found = identity.visitor(cookie) if is_cookie(cookie) else None
    if found is None and passed:
        found = contacts.resolve(passed)
    if found is None:
        return NOBODY
    known = bool(sql.rows(KNOWN, [found]))
    answered = frozenset(int(value) for (value,) in sql.rows(ANSWERED, [found, int(Kind.FORM_SUBMISSION)]) if value.isdigit())
    return Visitor(found, known, answered)


def address(asset: Asset) -> str:
    """Where the public finds it."""
    return f"{config().url}/a/{asset.guid}/"


def after_form(page_url: str, form_id: int, contact_id: int) -> str:
    """Where a form leads that was sent on an asset's page: to the asset, with a pass. "" for any other page or form. Baton may have several hosts."""
    try:
        steps = urlsplit(page_url).path.split("/")
    except ValueError:
        return ""
    if len(steps) < 3 or steps[1] != "a" or not contact_id:
        return ""
    try:
        asset = assets.by_guid(steps[2])
    except NotFound:
        return ""
    return f"/a/{asset.guid}/?g={make_pass(asset, contact_id)}" if asset.form_id == form_id else ""


def page_of(guid: str) -> str:
    """The address of a public asset; "" for anything else."""
    if not guid:
        return ""
    try:
        return address(assets.by_guid(guid))
    except NotFound:
        return ""


def make_pass(asset: Asset, contact_id: int) -> str:
    """What opens this asset for a while to whoever has it."""
    return signing.make("asset", asset.pk, contact_id, int(time.time()) + PASS)


def read_pass(asset: Asset, token: str) -> int:
    """The contact a good pass was made for, else 0."""
    numbers = signing.read("asset", token) if token else None
    return numbers[1] if numbers and len(numbers) == 3 and numbers[0] == asset.pk and numbers[2] >= time.time() else 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A signed address of a file: for which asset and file, to whom it was given, until when. `number` is the event's id: one address counts once."""

    asset_id: int
    file_id: int
    contact_id: int
    until: int
    number: int


def file_address(asset: Asset, who: Visitor, file_id: int | None = None) -> str:
    """The file, for somebody it is open to, for a while."""
    until = int(time.time()) + (PLAY if asset.kind != "file" else FILE)
    return f"/a/{asset.guid}/file?t={signing.make('asset_file', asset.pk, file_id or asset.file_id or 0, who.contact_id, until, secrets.randbelow(1 << 52))}"


def read_file(asset: Asset, token: str) -> Delivery | None:
    """What a file's address says; None when it is forged or of another asset. Whether it is over, `until` tells."""
    numbers = signing.read("asset_file", token) if token else None
    return Delivery(*numbers) if numbers and len(numbers) == 5 and numbers[0] == asset.pk else None
