"""Who may do what with which records: object type x action x own, team or all. Pages, API, search, export and merge ask here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from baton.accounts import scopes
from baton.accounts.builtin_roles import BUILTIN, FULL
from baton.accounts.models import ApiToken, Role, User
from baton.platform.actor import Actor
from baton.platform.errors import Forbidden

Action = Literal["view", "create", "edit", "delete", "export", "merge", "import"]
Scope = Literal["none", "own", "team", "all"]
Level = Literal["view", "edit"]
Principal = User | ApiToken | AnonymousUser | None

ACTIONS: tuple[Action, ...] = ("view", "create", "edit", "delete", "export", "merge", "import")
SCOPES: tuple[Scope, ...] = ("none", "own", "team", "all")  # each includes the ones before it
WHOLE: tuple[Action, ...] = ("create", "import")  # nobody owns what is not there yet: all or none
LEVELS = ("none", "view", "edit")
AREAS = ("segments", "scoring", "workflows", "emails", "forms", "content", "messages", "settings", "users", "tokens")  # what is no record
OTHERS = "*"  # every object type that a role does not name


@dataclass(frozen=True)
class Rights:
    """What one principal may do. Made by `of`; holds no database rows."""

    objects: Mapping[str, Mapping[str, str]]
    areas: Mapping[str, str]
    user_id: int | None = None
    team_id: int | None = None

    @cached_property
    def team(self) -> list[int]:
        """The ids of the users whose records count as the team's: mine and my team's. One query, when first asked."""
        if self.user_id is None:
            return []
        members = [] if self.team_id is None else User.objects.filter(team_id=self.team_id).order_by("pk").values_list("pk", flat=True)
        return sorted({self.user_id, *members})

    def scope(self, object_type: str, action: Action) -> Scope:
        """How far an action reaches. Whoever may not see a record may not change it, so view bounds the others."""
        held = self.objects.get(object_type) or self.objects.get(OTHERS) or {}
        reach = _scope(held.get(action))
        if action == "view":
            return reach
        seen = _scope(held.get("view"))
        if action in WHOLE:
            return "none" if "none" in (reach, seen) else "all"
        return min(reach, seen, key=SCOPES.index)

    def may(self, object_type: str, action: Action, owner_ids: Iterable[int | None] = ()) -> bool:
        """Whether the action is allowed at all, and on records of all these owners. Nobody's records are the team's, but not one's own."""
        match self.scope(object_type, action):
            case "all":
                return True
            case "team":
                team = {None, *self.team}
                return all(owner in team for owner in owner_ids)
            case "own":
                return all(owner is not None and owner == self.user_id for owner in owner_ids)
            case _:
                return False

    def require(self, object_type: str, action: Action, owner_ids: Iterable[int | None] = ()) -> None:
        """Raises Forbidden unless `may`."""
        if not self.may(object_type, action, owner_ids):
            raise Forbidden(refusal())

    def where(self, object_type: str, action: Action, alias: str) -> tuple[str, list[Any]]:
        """The same as an SQL condition over `<alias>.owner_id`, with its parameters; "true" for all, "false" for none."""
        match self.scope(object_type, action):
            case "all":
                return "true", []
            case "team":
                return f"({alias}.owner_id IS NULL OR {alias}.owner_id = ANY(%s))", [self.team]
            case "own":
                return f"{alias}.owner_id = %s", [self.user_id]
            case _:
                return "false", []

    def level(self, area: str) -> str:
        """none, view or edit."""
        found = self.areas.get(area, "none")
        return found if found in LEVELS else "none"

    def covers(self, other: "Rights") -> bool:
        """Whether `other` may nothing that these rights do not allow: nobody gives more than he has."""
        types = {OTHERS, *self.objects, *other.objects}
        return all(SCOPES.index(self.scope(key, action)) >= SCOPES.index(other.scope(key, action)) for key in types for action in ACTIONS) and all(
            LEVELS.index(self.level(area)) >= LEVELS.index(other.level(area)) for area in AREAS
        )


SYSTEM = Rights({OTHERS: FULL}, dict.fromkeys(AREAS, "edit"))
NOTHING = Rights({}, {})


def of(principal: Principal) -> Rights:
    """The rights of a user (his role's; one query, kept with the object), of a token (its scopes'), or of the system (None: everything).

    Who is not signed in, was deactivated, revoked, or has a role that is gone may do nothing.
    """
    match principal:
        case None:
            return SYSTEM
        case ApiToken():
            return NOTHING if principal.revoked_at is not None else Rights(*scopes.granted(principal.scopes))
        case User(is_active=True):
            known = principal.__dict__.get("_rights")
            if known is None or known[0] != (principal.role, principal.team_id):
                known = principal.__dict__["_rights"] = ((principal.role, principal.team_id), _of_role(principal))
            rights: Rights = known[1]
            return rights
    return NOTHING


def of_actor(actor: Actor) -> Rights:
    """The rights behind a write: a user's or a token's; whatever else writes (system, workflow, form …) is the system."""
    if actor.id is None:
        return SYSTEM if actor.kind not in ("user", "token") else NOTHING
    if actor.kind == "user":
        user = User.objects.filter(pk=actor.id).first()
        return NOTHING if user is None else of(user)
    if actor.kind == "token":
        token = ApiToken.objects.filter(pk=actor.id).first()
        return NOTHING if token is None else of(token)
    return SYSTEM


def of_role(key: str) -> Rights | None:
    """What a role gives, for nobody in particular; None when there is no such role."""
    found = _parts(key)
    return found and Rights(*found)


def refusal() -> str:
    """What somebody without the right is told."""
    return _("You do not have the right to do this. An administrator can give it to you.")


def _of_role(user: User) -> Rights:
    found = _parts(user.role)
    return NOTHING if found is None else Rights(*found, user.pk, user.team_id)


def _parts(key: str) -> tuple[dict[str, dict[str, str]], dict[str, str]] | None:
    """Rights and areas of a role. The administrator's are never read from the database: nobody can lock everybody out."""
    if key != Role.ADMIN and (row := Role.objects.filter(key=key).values_list("rights", "areas").first()):
        return row
    return (BUILTIN[key].rights, BUILTIN[key].areas) if key in BUILTIN else None


def _scope(value: Any) -> Scope:
    return value if value in SCOPES else "none"
