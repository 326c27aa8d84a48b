"""Colleagues, their teams, and the account they work in."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.accounts import authority, rights
from baton.accounts.models import CURRENCIES, Account, Role, Team, User
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

FRESH = 5.0  # seconds; another process's change of the account is known here after that
_account: tuple[float, Account] | None = None
_currency = ""  # of the account as it was read last


def create(email: str, name: str, password: str | None, role: str, *, actor: Actor, team: str | Team | None = None, language: str = "") -> User:
    """Add a colleague. A team that does not exist yet is made. Without a password he signs in by the link of an invitation.

    Raises Invalid (`email`, `name`, `password`, `role`, `language`), Conflict(existing_id) when the address has an account, and Forbidden when the
    role may do what the actor may not.
    """
    email = email.strip().lower()
    user = User(email=email, name=name.strip(), role=role, language=language)
    problems = _problems(user) + ([] if password is None else password_problems(password, user))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        if (existing := User.objects.filter(email=email).first()) is not None:
            raise Conflict(_("There is an account for {email} already.").format(email=email), existing_id=existing.pk)
        authority.may_give(actor, role)
        user.team = Team.objects.get_or_create(name=team)[0] if isinstance(team, str) and team else team or None
        authority.may_move(actor, user, None, user.team.pk if user.team else None)
        user.set_password(password)  # None: no password fits
        user.save()
        history.record(actor, "created", "user", user.pk, email=email, role=role)
    return user


def get(user_id: int) -> User:
    """Raises NotFound."""
    found = User.objects.select_related("team").filter(pk=user_id).first()
    if found is None:
        raise NotFound(_("There is no such user."))
    return found


def by_email(email: str) -> User:
    """The user who signs in with this address. Raises NotFound."""
    found = User.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise NotFound(_("There is no user with the e-mail address {email}.").format(email=email))
    return found


def owners(*, email: str = "", archived: bool = False, after: int = 0, limit: int | None = None) -> list[User]:
    """Who may own records: every user, the deactivated with `archived`; by id, with their teams. The id of an owner is the user's."""
    found = User.objects.select_related("team").filter(is_active=not archived, pk__gt=after).order_by("pk")
    if email:
        found = found.filter(email__iexact=email.strip())
    return list(found[:limit] if limit is not None else found)


def update(user_id: int, *, actor: Actor, name: str | None = None, language: str | None = None, email: str | None = None) -> User:
    """Change what is given. Raises Invalid (`name`, `language`, `email`), Conflict(existing_id), NotFound, and Forbidden for a user who may do more."""
    with transaction.atomic():
        user = _managed(user_id, actor)
        before = {"name": user.name, "language": user.language, "email": user.email}
        user.name = user.name if name is None else name.strip()
        user.language = user.language if language is None else language
        user.email = user.email if email is None else email.strip().lower()
        if problems := _problems(user):
            raise Invalid(problems)
        if (other := User.objects.filter(email=user.email).exclude(pk=user.pk).first()) is not None:
            raise Conflict(_("There is an account for {email} already.").format(email=user.email), existing_id=other.pk)
        after = {"name": user.name, "language": user.language, "email": user.email}
        changed = {key: [before[key], value] for key, value in after.items() if before[key] != value}
        if changed:
            _save(user, *changed)
            history.record(actor, "updated", "user", user.pk, **changed)
    return user


def set_password(user: User, password: str, *, actor: Actor) -> None:
    """Ends the user's other sessions. Raises Invalid (`password`), and Forbidden for a user who may do more than the actor."""
    if problems := password_problems(password, user):
        raise Invalid(problems)
    with transaction.atomic():
        authority.may_manage(actor, user)
        user.set_password(password)
        _save(user, "password")
        history.record(actor, "password_changed", "user", user.pk)


def set_role(user_id: int, role: str, *, actor: Actor) -> None:
    """Give a user another role. Raises Invalid (`role`), NotFound, Forbidden when either role may do more than the actor, and Conflict when no
    administrator would be left."""
    if rights.of_role(role) is None:
        raise Invalid.one("role", "INVALID_OPTION", _("There is no role {role}.").format(role=role))
    with transaction.atomic():
        user = _managed(user_id, actor)
        if user.role == role:
            return
        authority.may_give(actor, role)
        _keep_an_administrator(user)
        history.record(actor, "updated", "user", user_id, role=[user.role, role])
        user.role = role
        _save(user, "role")


def set_team(user_id: int, team_id: int | None, *, actor: Actor) -> None:
    """Put a user in a team, or in none. Raises Invalid (`team`), NotFound, and Forbidden."""
    if team_id is not None and not Team.objects.filter(pk=team_id).exists():
        raise Invalid.one("team", "INVALID_OPTION", _("There is no such team."))
    with transaction.atomic():
        user = _managed(user_id, actor)
        if user.team_id == team_id:
            return
        authority.may_move(actor, user, user.team_id, team_id)
        history.record(actor, "updated", "user", user_id, team=[user.team_id, team_id])
        user.team_id = team_id
        _save(user, "team_id")


def set_active(user_id: int, active: bool, *, actor: Actor) -> None:
    """Let a user sign in, or no longer. Raises NotFound, Forbidden for a user who may do more, and Conflict when no administrator would be left."""
    with transaction.atomic():
        user = _managed(user_id, actor)
        if user.is_active == active:
            return
        if not active:
            _keep_an_administrator(user)
        user.is_active = active
        _save(user, "is_active")
        history.record(actor, "activated" if active else "deactivated", "user", user_id)


def account() -> Account:
    """The company that runs this Baton. Made on first use; read again every few seconds, since it hardly ever changes."""
    global _account, _currency
    if connection.in_atomic_block or _account is None or time.monotonic() - _account[0] > FRESH:
        found = Account.objects.order_by("pk").first() or Account.objects.create(name="Baton")
        _currency = found.currency
        if connection.in_atomic_block:
            return found  # it may be rolled back, so it is not kept
        _account = (time.monotonic(), found)
    return _account[1]


def currency() -> str:
    """The account's currency. Asked for every amount on a page, so that inside a transaction what was read last must do."""
    return _currency if _currency and connection.in_atomic_block else account().currency


def update_account(*, actor: Actor, **fields: Any) -> Account:
    """Change fields of the account. Amounts keep their numbers. Raises Invalid (`name`, `currency`, `contact_email`)."""
    global _account, _currency
    if not fields.get("name", "x").strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    if fields.get("currency", "KRW") not in CURRENCIES:
        raise Invalid.one("currency", "INVALID_OPTION", _("Choose one of the values offered."))
    if (address := fields.get("contact_email", "").strip()) and not _is_address(address):
        raise Invalid.one("contact_email", "INVALID_EMAIL", _("Expected an e-mail address."))
    with transaction.atomic():
        row = account()
        for name, value in fields.items():
            setattr(row, name, value.strip() if isinstance(value, str) else value)
        row.save(update_fields=list(fields))
        history.record(actor, "updated", "account", row.pk, **fields)
    _account, _currency = None, row.currency
    return row


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def password_problems(password: str, user: User | None) -> list[Problem]:
    """What is wrong with a password, in words."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        return [Problem("password", "WEAK_PASSWORD", message) for message in error.messages]
    return []


def _problems(user: User) -> list[Problem]:
    problems = []
    try:
        validate_email(user.email)
    except ValidationError:
        problems.append(Problem("email", "INVALID_EMAIL", _("Email address {value} is invalid").format(value=user.email)))
    if not user.name:
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    if rights.of_role(user.role) is None:
        problems.append(Problem("role", "INVALID_OPTION", _("There is no role {role}.").format(role=user.role)))
    if user.language and user.language not in dict(settings.LANGUAGES):
        problems.append(Problem("language", "INVALID_OPTION", _("There is no language {language}.").format(language=user.language)))
    return problems


def _managed(user_id: int, actor: Actor) -> User:
    """The user, held until the transaction ends, when the actor may change him."""
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    authority.may_manage(actor, user)
    return user


def _keep_an_administrator(user: User) -> None:
    """Raises Conflict when this is the last one. All are locked, so that two cannot take each other away at once."""
    if user.role == Role.ADMIN and user.is_active:
        held = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).order_by("pk").values_list("pk", flat=True)
        if set(held) <= {user.pk}:
            raise Conflict(_("The last administrator cannot be taken away."))


def _save(user: User, *fields: str) -> None:
    user.updated_at = clock.now()
    user.save(update_fields=[*fields, "updated_at"])
