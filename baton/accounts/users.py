"""Colleagues, their teams, and the account they work in."""

import time

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.accounts.models import Account, Role, Team, User
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

FRESH = 5.0  # seconds; another process's change of the account is known here after that
_account: tuple[float, Account] | None = None


def create(email: str, name: str, password: str, role: str, *, actor: Actor, team: str | Team | None = None, language: str = "") -> User:
    """Invite a colleague. A team that does not exist yet is made.

    Raises Invalid (`email`, `name`, `password`, `role`, `language`) and Conflict(existing_id) when the address has an account.
    """
    email = email.strip().lower()
    user = User(email=email, name=name.strip(), role=role, language=language)
    problems = _problems(user) + password_problems(password, user)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        if (existing := User.objects.filter(email=email).first()) is not None:
            raise Conflict(_("There is an account for {email} already.").format(email=email), existing_id=existing.pk)
        user.team = Team.objects.get_or_create(name=team)[0] if isinstance(team, str) and team else team or None
        user.set_password(password)
        user.save()
        history.record(actor, "created", "user", user.pk, email=email, role=role)
    return user


def by_email(email: str) -> User:
    """The user who signs in with this address. Raises NotFound."""
    found = User.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise NotFound(_("There is no user with the e-mail address {email}.").format(email=email))
    return found


def set_password(user: User, password: str, *, actor: Actor) -> None:
    """Raises Invalid (`password`)."""
    if problems := password_problems(password, user):
        raise Invalid(problems)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        history.record(actor, "password_changed", "user", user.pk)


def set_role(user_id: int, role: str, *, actor: Actor) -> None:
    """Give a user another role. Raises Invalid (`role`), NotFound, and Conflict when no administrator would be left."""
    if rights.of_role(role) is None:
        raise Invalid.one("role", "INVALID_OPTION", _("There is no role {role}.").format(role=role))
    with transaction.atomic():
        user = _held(user_id)
        if role != Role.ADMIN:
            _keep_an_administrator(user)
        history.record(actor, "updated", "user", user_id, role=[user.role, role])
        user.role = role
        user.save(update_fields=["role"])


def set_active(user_id: int, active: bool, *, actor: Actor) -> None:
    """Let a user sign in, or no longer. Raises NotFound, and Conflict when no administrator would be left."""
    with transaction.atomic():
        user = _held(user_id)
        if not active:
            _keep_an_administrator(user)
        user.is_active = active
        user.save(update_fields=["is_active"])
        history.record(actor, "activated" if active else "deactivated", "user", user_id)


def account() -> Account:
    """The company that runs this Baton. Made on first use; read again every few seconds, since it hardly ever changes."""
    global _account
    if connection.in_atomic_block or _account is None or time.monotonic() - _account[0] > FRESH:
        found = Account.objects.order_by("pk").first() or Account.objects.create(name="Baton")
        if connection.in_atomic_block:
            return found  # it may be rolled back, so it is not kept
        _account = (time.monotonic(), found)
    return _account[1]


def update_account(*, actor: Actor, **fields: str) -> Account:
    """Change name, sending_domain or postal_address. Raises Invalid (`name`)."""
    global _account
    if not fields.get("name", "x").strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    with transaction.atomic():
        row = account()
        for name, value in fields.items():
            setattr(row, name, value.strip())
        row.save(update_fields=list(fields))
        history.record(actor, "updated", "account", row.pk, **fields)
    _account = None
    return row


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


def _held(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


def _keep_an_administrator(user: User) -> None:
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if user.role == Role.ADMIN and user.is_active and not others.exists():
        raise Conflict(_("The last administrator cannot be taken away."))
