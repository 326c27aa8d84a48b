"""Access for programs: `bat_` + 32 letters and digits + 6 more as a checksum. Only a hash is stored, the token is shown once."""

import hashlib
import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import authority
from baton.accounts import scopes as names
from baton.accounts.models import ApiToken
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

PREFIX = "bat_"
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase  # base62
LENGTH, CHECK = 32, 6
USED = timedelta(minutes=1)  # `last_used_at` is right to this, so that a busy program does not write a row per request


def create(name: str, scopes: Sequence[str], *, limited: bool = True, actor: Actor) -> str:
    """Make a token and return it, this once. `limited`: subject to the rate limit.

    Raises Invalid (`name`, `scopes`), and Forbidden when the scopes allow what the actor may not.

    Scopes copied from a HubSpot app (crm.objects.contacts.read, tickets) become Baton's (contacts.read, tickets.write).
    """
    known = {scope: names.ours(scope) for scope in scopes}
    problems = [Problem("scopes", "INVALID_OPTION", _("There is no scope {scope}.").format(scope=scope)) for scope, mine in known.items() if mine is None]
    if not scopes:
        problems.append(Problem("scopes", "REQUIRED", _("A token needs at least one scope.")))
    if not name.strip():
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    if problems:
        raise Invalid(problems)
    body = "".join(secrets.choice(DIGITS) for _place in range(LENGTH))
    authority.may_hand_out(actor, [name for mine in known.values() for name in mine or ()])
    plain = PREFIX + body + _checksum(body)
    with transaction.atomic():
        made = ApiToken.objects.create(
            name=name.strip(),
            digest=_digest(plain),
            hint=plain[: len(PREFIX) + 4],
            scopes=sorted({name for mine in known.values() for name in mine or ()}),
            limited=limited,
            created_by_id=actor.id if actor.kind == "user" else None,
        )
        history.record(actor, "created", "api_token", made.pk, name=made.name, scopes=made.scopes, limited=limited)
    return plain


def find(plain: str) -> ApiToken | None:
    """The live token this text is, or None. A mistyped token is turned away without asking the database."""
    body, check = plain[len(PREFIX) : -CHECK], plain[-CHECK:]
    if not plain.startswith(PREFIX) or len(body) != LENGTH or not plain.isascii() or check != _checksum(body):
        return None
    token = ApiToken.objects.filter(digest=_digest(plain), revoked_at=None).first()
    if token is not None:
        now = clock.now()
        if token.last_used_at is None or now - token.last_used_at > USED:
            token.last_used_at = now
            token.save(update_fields=["last_used_at"])
    return token


def allows(token: ApiToken, scope: str) -> bool:
    """May a program with this token do what needs `scope`, for example contacts.read? Who may write may read."""
    return names.allow(token.scopes, scope)


def living() -> list[ApiToken]:
    """All tokens that work, the newest first, with who made them."""
    return list(ApiToken.objects.filter(revoked_at=None).select_related("created_by").order_by("-pk"))


def revoke(token_id: int, *, actor: Actor) -> None:
    """End a token at once. Raises NotFound."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=clock.now()):
            raise NotFound(_("There is no such token."))
        history.record(actor, "revoked", "api_token", token_id)


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _place in range(CHECK):
        number, rest = divmod(number, len(DIGITS))
        letters = DIGITS[rest] + letters
    return letters
