"""`/crm/v3/owners`, `/settings/v3/users`: colleagues as HubSpot's clients see them. Every user is an owner; an owner's id is the user's."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from baton.accounts import roles
from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Role, Team, User
from baton.api import paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.crm.values import stamp
from baton.platform.errors import NotFound

router = Router(tags=["owners"])
READ, USERS = Needs("owners.read", "contacts.read"), Needs("users.read")
Text = Annotated[str | None, Query(None)]


class OwnerTeam(Schema):
    id: str
    name: str
    primary: bool


class Owner(Schema):
    """A colleague who may look after records."""

    id: str
    email: str
    type: str = "PERSON"
    firstName: str
    lastName: str
    userId: int | None
    userIdIncludingInactive: int
    createdAt: str
    updatedAt: str
    archived: bool
    teams: list[OwnerTeam] = []


class Owners(Schema):
    results: list[Owner]
    paging: dict[str, Any] | None = None


class UserShown(Schema):
    """A colleague who signs in."""

    id: str
    email: str
    firstName: str
    lastName: str
    roleId: str | None = None
    roleIds: list[str] = []
    primaryTeamId: str | None = None
    secondaryTeamIds: list[str] = []
    superAdmin: bool
    sendWelcomeEmail: bool = False


class UsersShown(Schema):
    results: list[UserShown]
    paging: dict[str, Any] | None = None


@router.get("/crm/v3/owners", auth=READ, response=Owners, exclude_unset=True, summary="List owners")
def listing(request: HttpRequest, email: Text = None, limit: Text = None, after: Text = None, archived: bool = False) -> dict[str, Any]:
    """Colleagues in the order of their ids; with `archived` those who no longer sign in."""
    size = paging.limit(limit, most=500, default=100)
    rows = User.objects.filter(pk__gt=paging.after(after), is_active=not archived).select_related("team").order_by("pk")
    if email:
        rows = rows.filter(email__iexact=email.strip())
    found = list(rows[: size + 1])
    return paging.page(request, [shown(user) for user in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.get("/crm/v3/owners/{owner_id}", auth=READ, response=Owner, exclude_unset=True, summary="Read an owner")
def read(request: HttpRequest, owner_id: str, idProperty: Text = None, archived: bool = False) -> dict[str, Any]:
    """One colleague. Owner ids and user ids are the same numbers here."""
    if idProperty not in (None, "", "id", "userId"):
        raise Failure(400, "VALIDATION_ERROR", f"idProperty is id or userId, not {idProperty[:50]}")
    found = User.objects.filter(pk=_number(owner_id), is_active=not archived).select_related("team").first()
    if found is None:
        raise NotFound(owner_id)
    return shown(found)


def shown(user: User) -> dict[str, Any]:
    """A user as HubSpot shows an owner."""
    first, last = names(user.name)
    created = stamp(user.created_at)
    return {
        "id": str(user.pk),
        "email": user.email,
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": user.pk if user.is_active else None,
        "userIdIncludingInactive": user.pk,
        "createdAt": created,
        "updatedAt": created,
        "archived": not user.is_active,
        "teams": [{"id": str(user.team.pk), "name": user.team.name, "primary": True}] if user.team is not None else [],
    }


def names(name: str) -> tuple[str, str]:
    """Given and family name: the last word of a Western name is the family's; a name in one piece of Hangul begins with it."""
    first, _, last = name.strip().rpartition(" ")
    if not first and 2 <= len(last) <= 4 and all("가" <= letter <= "힣" for letter in last):
        return last[1:], last[0]
    return (first, last) if first else (last, "")


@router.get("/settings/v3/users", auth=USERS, response=UsersShown, exclude_unset=True, summary="List users")
def users(request: HttpRequest, limit: Text = None, after: Text = None) -> dict[str, Any]:
    """Colleagues who sign in, with role and team."""
    size = paging.limit(limit, most=100, default=100)
    found = list(User.objects.filter(pk__gt=paging.after(after), is_active=True).order_by("pk")[: size + 1])
    return paging.page(request, [_user(user) for user in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.get("/settings/v3/users/teams", auth=USERS, response=dict[str, Any], summary="List teams")
def teams(request: HttpRequest) -> dict[str, Any]:
    """The teams with the ids of their members."""
    members: dict[int, list[str]] = {}
    for user_id, team_id in User.objects.filter(is_active=True).exclude(team=None).order_by("pk").values_list("pk", "team_id"):
        members.setdefault(team_id or 0, []).append(str(user_id))
    rows = [{"id": str(t.pk), "name": t.name, "userIds": members.get(t.pk, []), "secondaryUserIds": []} for t in Team.objects.order_by("pk")]
    return {"results": rows}


@router.get("/settings/v3/users/roles", auth=USERS, response=dict[str, Any], summary="List roles")
def role_list(request: HttpRequest) -> dict[str, Any]:
    """The roles a user may have."""
    keys = dict.fromkeys([*BUILTIN, *Role.objects.order_by("pk").values_list("key", flat=True)])
    return {"results": [{"id": key, "name": roles.name(key), "requiresBillingWrite": False} for key in keys]}


@router.get("/settings/v3/users/{user_id}", auth=USERS, response=UserShown, exclude_unset=True, summary="Read a user")
def user(request: HttpRequest, user_id: str, idProperty: Text = None) -> dict[str, Any]:
    """One colleague, by id or (`idProperty=EMAIL`) by e-mail address."""
    rows = User.objects.filter(is_active=True)
    found = (rows.filter(email__iexact=user_id.strip()) if str(idProperty).upper() == "EMAIL" else rows.filter(pk=_number(user_id))).first()
    if found is None:
        raise NotFound(user_id)
    return _user(found)


def _user(user: User) -> dict[str, Any]:
    first, last = names(user.name)
    return {
        "id": str(user.pk),
        "email": user.email,
        "firstName": first,
        "lastName": last,
        "roleId": user.role,
        "roleIds": [user.role],
        "primaryTeamId": None if user.team_id is None else str(user.team_id),
        "secondaryTeamIds": [],
        "superAdmin": user.role == "admin",
    }


def _number(given: str) -> int:
    """Raises NotFound for what is no id."""
    if not (given.isascii() and given.isdigit()) or int(given[:20]) > paging.LARGEST:
        raise NotFound(given)
    return int(given)
