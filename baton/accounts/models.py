"""Users, teams, roles, API tokens, and the account's own settings. All local tables."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

CURRENCIES = ("KRW", "USD", "JPY", "EUR", "CNY", "GBP", "SGD", "VND")  # ISO 4217, the usual one first


class Account(models.Model):
    """The company that runs this Baton: one row. Its id is the `portalId` of the HubSpot-compatible API."""

    name = models.TextField()
    sending_domain = models.TextField(blank=True, default="")
    postal_address = models.TextField(blank=True, default="")  # shown in the footer of marketing mails
    phone = models.TextField(blank=True, default="")  # the sender's, in the footer of marketing mails
    contact_email = models.TextField(blank=True, default="")  # where the sender can be reached, in the footer of marketing mails
    legal_name = models.TextField(blank=True, default="")  # the sender's full name in the footer; empty: `name`
    currency = models.TextField(default="KRW")  # ISO 4217; amounts without a currency of their own are in it
    employers = models.JSONField(default=dict)  # {"mode": "off" | "link" | "create", "not": [domains]}: companies by mail domain, see crm/employers.py
    sending = models.JSONField(default=dict)  # law, frequency, bounces: what differs from messaging.rules.USUAL
    handover = models.JSONField(default=dict)  # how leads are handed to sales: what differs from handover.USUAL

    class Meta:
        db_table = "account"


class Team(models.Model):
    name = models.TextField(unique=True)

    class Meta:
        db_table = "team"


class Role(models.Model):
    """What its users may do; see rights.py. A built-in role (builtin_roles.py) has a row only when people changed it."""

    ADMIN, MARKETING, SALES, VIEWER = "admin", "marketing", "sales", "viewer"  # the built-in ones

    key = models.TextField(unique=True)
    name = models.TextField(blank=True, default="")  # empty: the built-in role's own
    rights = models.JSONField(default=dict)  # {object type | "*": {action: all | team | own | none}}
    areas = models.JSONField(default=dict)  # {area: view | edit | none}
    builtin = models.BooleanField(default=False)

    class Meta:
        db_table = "role"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A colleague. Signs in with the e-mail address."""

    email = models.EmailField(unique=True)
    name = models.TextField()
    role = models.TextField(default=Role.VIEWER)  # Role.key
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL)
    language = models.TextField(blank=True, default="")  # empty: the account's
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "user"

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name


class ApiToken(models.Model):
    """Access for a program. Only a hash is stored; the token itself is shown once."""

    name = models.TextField()
    digest = models.TextField(unique=True)  # sha256 of the token, hex
    hint = models.TextField()  # first characters, so that people can tell tokens apart
    scopes = models.JSONField(default=list)  # ["contacts.read", ...]; ["*"] is all
    limited = models.BooleanField(default=True)  # subject to the rate limit
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_token"
