"""Roles as people see and change them: the four built-in ones and the company's own. What they mean is in rights.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _

from baton.accounts import authority
from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Role, User
from baton.accounts.rights import ACTIONS, AREAS, LEVELS, OTHERS, SCOPES, WHOLE, Rights
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem


@dataclass(frozen=True)
class Shown:
    """A role with everything a page shows of it."""

    key: str
    name: str | Promise
    about: str | Promise
    rights: dict[str, dict[str, str]]
    areas: dict[str, str]
    builtin: bool
    changed: bool  # a built-in role that is no longer as it was delivered
    users: int  # who has it and may sign in

    @property
    def fixed(self) -> bool:
        """Whether nobody may change it."""
        return self.key == Role.ADMIN


def all() -> list[Shown]:
    """The built-in roles first, then the others by name; two queries."""
    rows = {role.key: role for role in Role.objects.all()}
    users = dict(User.objects.filter(is_active=True).values_list("role").annotate(n=Count("pk")))
    own = sorted((key for key in rows if key not in BUILTIN), key=lambda key: (rows[key].name, key))
    return [_shown(key, rows.get(key), users.get(key, 0)) for key in (*BUILTIN, *own)]


def get(key: str) -> Shown:
    """Raises NotFound."""
    found = next((role for role in all() if role.key == key), None)
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


def names() -> dict[str, str | Promise]:
    """Every role's name by key, in the order of `all`."""
    own = dict(Role.objects.exclude(name="").order_by("name", "key").values_list("key", "name"))
    return {key: own.pop(key, "") or builtin.label for key, builtin in BUILTIN.items()} | own


def name(key: str) -> str:
    """What a role is called; the key when there is no such role."""
    found = Role.objects.filter(key=key).values_list("name", flat=True).first()
    return found or (str(BUILTIN[key].label) if key in BUILTIN else key)


def create(name: str, *, copy_of: str, actor: Actor) -> str:
    """A new role with the rights of another; returns its key. Raises Invalid (`name`), NotFound, and Forbidden."""
    name = _name(name)
    with transaction.atomic():
        like = get(copy_of)
        authority.may_give(actor, copy_of)
        key = _free_key(name)
        made = Role.objects.create(key=key, name=name, rights=like.rights, areas=like.areas)
        history.record(actor, "created", "role", made.pk, key=key, name=name, copy_of=copy_of)
    return key


def change(key: str, *, actor: Actor, name: str, rights: Mapping[str, Mapping[str, str]], areas: Mapping[str, str]) -> None:
    """Give a role these rights instead of its own.

    `rights` is {object type or "*": {action: none, own, team, all}}, where create and import are none or all; what is left out is none.
    Raises Invalid (`name`, `rights.<type>.<action>`, `areas.<area>`), NotFound, Conflict for the administrator's role, and Forbidden when the role
    allows what the actor may not, before or after.
    """
    name, cleaned, levels = _name(name), _cleaned(rights), _levels(areas)
    with transaction.atomic():
        before = _open(key, actor)
        authority.may_define(actor, Rights(cleaned, levels))
        row, _made = Role.objects.select_for_update().get_or_create(key=key, defaults={"builtin": key in BUILTIN})
        row.name = "" if key in BUILTIN and name == str(BUILTIN[key].label) else name
        row.rights, row.areas = cleaned, levels
        row.save()
        changed = {
            "name": [str(before.name), name] if str(before.name) != name else None,
            "rights": [before.rights, cleaned] if before.rights != cleaned else None,
            "areas": [before.areas, levels] if before.areas != levels else None,
        }
        history.record(actor, "updated", "role", row.pk, key=key, **{part: pair for part, pair in changed.items() if pair})


def reset(key: str, *, actor: Actor) -> None:
    """Make a built-in role what it was. Raises NotFound, Conflict and Forbidden."""
    with transaction.atomic():
        _open(key, actor)
        if key not in BUILTIN:
            raise NotFound(_("There is no such role."))
        authority.may_define(actor, Rights(BUILTIN[key].rights, BUILTIN[key].areas))
        Role.objects.filter(key=key).delete()
        history.record(actor, "reset", "role", key)


def delete(key: str, *, actor: Actor) -> None:
    """Raises NotFound, Forbidden, and Conflict for a built-in role or one that a user still has, signed out or not."""
    with transaction.atomic():
        role = _open(key, actor)
        if role.builtin:
            raise Conflict(_("A built-in role stays."))
        if User.objects.filter(role=key).exists():
            raise Conflict(_("Users still have this role. Give them another one first."))
        history.record(actor, "deleted", "role", key, name=str(role.name))
        Role.objects.filter(key=key).delete()


def _shown(key: str, row: Role | None, users: int) -> Shown:
    builtin = BUILTIN.get(key)
    fixed = key == Role.ADMIN
    source = builtin if builtin and (row is None or fixed) else row
    assert source is not None
    return Shown(
        key,
        (row.name if row and not fixed else "") or (builtin.label if builtin else key),
        builtin.about if builtin else "",
        source.rights,
        source.areas,
        builtin is not None,
        builtin is not None and row is not None and not fixed,
        users,
    )


def _open(key: str, actor: Actor) -> Shown:
    """A role this actor may change."""
    role = get(key)
    if role.fixed:
        raise Conflict(_("The administrator's role cannot be changed."))
    authority.may_define(actor, Rights(role.rights, role.areas))
    return role


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    return name.strip()


def _free_key(name: str) -> str:
    stem = slugify(name)[:40] or "role"
    taken = {*BUILTIN, *Role.objects.filter(key__startswith=stem).values_list("key", flat=True)}
    return next(key for key in (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))) if key not in taken)


def _cleaned(wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    problems = []
    for object_type, held in wanted.items():
        for action, scope in held.items():
            if action not in ACTIONS or scope not in SCOPES or (action in WHOLE and scope not in ("none", "all")):
                problems.append(Problem(f"rights.{object_type}.{action}", "INVALID_OPTION", _("Choose one of the values offered.")))
    if problems:
        raise Invalid(problems)
    return {object_type: {action: held.get(action, "none") for action in ACTIONS} for object_type, held in {OTHERS: {}, **wanted}.items()}


def _levels(wanted: Mapping[str, Any]) -> dict[str, str]:
    problems = [
        Problem(f"areas.{area}", "INVALID_OPTION", _("Choose one of the values offered."))
        for area, level in wanted.items()
        if area not in AREAS or level not in LEVELS
    ]
    if problems:
        raise Invalid(problems)
    return {area: wanted.get(area, "none") for area in AREAS}
