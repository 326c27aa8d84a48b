"""What a colleague may do to other colleagues, roles and tokens: nobody gives, or takes over, more than he has himself."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from baton.accounts import rights, scopes
from baton.accounts.models import User
from baton.accounts.rights import ACTIONS, Rights
from baton.platform.actor import Actor
from baton.platform.errors import Forbidden


def may_give(actor: Actor, role: str) -> None:
    """Raises Forbidden when the role allows what the actor may not."""
    given = rights.of_role(role)
    if given is None or not rights.of_actor(actor).covers(given):
        raise Forbidden(_("This role may do more than you may. Only somebody who may do all of it can give it."))


def may_manage(actor: Actor, user: User) -> None:
    """Raises Forbidden for a user whose role allows what the actor may not: a new password would hand over those rights. Oneself is fine."""
    held = rights.of_role(user.role) or rights.NOTHING
    if (actor.kind, actor.id) != ("user", user.pk) and not rights.of_actor(actor).covers(held):
        raise Forbidden(_("This user may do more than you may. Only somebody who may do all of it can change the account."))


def may_define(actor: Actor, wanted: Rights) -> None:
    """Raises Forbidden when a role with these rights would allow what the actor may not."""
    if not rights.of_actor(actor).covers(wanted):
        raise Forbidden(_("You can give a role only rights that you have yourself."))


def may_hand_out(actor: Actor, held: Sequence[str]) -> None:
    """Raises Forbidden when a token with these scopes would allow what the actor may not."""
    if not rights.of_actor(actor).covers(Rights(*scopes.granted(held))):
        raise Forbidden(_("You can give a token only rights that you have yourself."))


def may_move(actor: Actor, user: User, before: int | None, after: int | None) -> None:
    """Raises Forbidden when moving a user between teams would change what the actor himself may see or do."""
    mine = rights.of_actor(actor)
    by_team = any(mine.scope(key, action) == "team" for key in mine.objects for action in ACTIONS)
    moves_me = actor.kind == "user" and actor.id == user.pk
    if by_team and before != after and (moves_me or mine.team_id in (before, after)):
        raise Forbidden(_("This would change what you may see yourself. Ask an administrator."))
