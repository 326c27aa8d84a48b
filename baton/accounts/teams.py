"""Teams: who sees whose records where a role says "team"."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.accounts.models import Team, User
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound


def all() -> list[tuple[Team, list[User]]]:
    """Teams by name with their members by name; two queries."""
    members: dict[int | None, list[User]] = {}
    for user in User.objects.exclude(team=None).order_by("name", "pk"):
        members.setdefault(user.team_id, []).append(user)
    return [(team, members.get(team.pk, [])) for team in Team.objects.order_by("name", "pk")]


def get(team_id: int) -> tuple[str, list[int]]:
    """A team's name and the ids of its members. Raises NotFound."""
    return _found(Team.objects.filter(pk=team_id).first()).name, list(User.objects.filter(team_id=team_id).order_by("pk").values_list("pk", flat=True))


def create(name: str, *, actor: Actor) -> int:
    """Raises Invalid (`name`) and Conflict(existing_id)."""
    name = _name(name)
    with transaction.atomic():
        _free(name)
        team = Team.objects.create(name=name)
        history.record(actor, "created", "team", team.pk, name=name)
    return team.pk


def rename(team_id: int, name: str, *, actor: Actor) -> None:
    """Raises Invalid (`name`), Conflict(existing_id) and NotFound."""
    name = _name(name)
    with transaction.atomic():
        team = _held(team_id)
        if team.name != name:
            _free(name)
            history.record(actor, "updated", "team", team_id, name=[team.name, name])
            team.name = name
            team.save(update_fields=["name"])


def set_members(team_id: int, user_ids: Iterable[int], *, actor: Actor) -> None:
    """Exactly these users are the team; who is in another team moves. Raises NotFound, and Forbidden (see authority.may_move)."""
    wanted = set(user_ids)
    with transaction.atomic():
        _held(team_id)
        now = set(User.objects.filter(team_id=team_id).values_list("pk", flat=True))
        for user_id in sorted(now - wanted):
            users.set_team(user_id, None, actor=actor)
        for user_id in sorted(wanted - now):
            users.set_team(user_id, team_id, actor=actor)


def delete(team_id: int, *, actor: Actor) -> None:
    """Its members are in no team then. Raises NotFound and Forbidden."""
    with transaction.atomic():
        team = _held(team_id)
        set_members(team_id, [], actor=actor)
        history.record(actor, "deleted", "team", team_id, name=team.name)
        team.delete()


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    return name.strip()


def _free(name: str) -> None:
    other = Team.objects.filter(name__iexact=name).first()
    if other is not None and other.name == name:
        raise Conflict(_("There is a team with this name already."), existing_id=other.pk)


def _held(team_id: int) -> Team:
    return _found(Team.objects.select_for_update().filter(pk=team_id).first())


def _found(team: Team | None) -> Team:
    if team is None:
        raise NotFound(_("There is no such team."))
    return team
