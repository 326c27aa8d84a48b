"""Tell colleagues: the owner (without one everybody in sales), a team, some users, or everybody of a role; in Baton, and by e-mail if wanted."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import model_validator

from baton.accounts import roles
from baton.accounts.models import Role, Team, User
from baton.automation import words
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import types
from baton.messaging.colleagues import alerts, mailed, notify
from baton.messaging.mail import render
from baton.platform import sql
from baton.platform.errors import Problem

TO = (
    ("owner", _("The owner")),
    ("team", _("A team")),
    ("users", _("Users")),
    ("role", _("Everybody of a role")),
)


class Notify(Step):
    key = "notify"
    label = _("Notify colleagues")
    icon = "bell"
    group = "message"

    to: Annotated[Literal["owner", "team", "users", "role"], Input("choice", _("To"), options=TO, help=_("Without an owner: everybody in sales."))] = "owner"
    team: Annotated[int | None, Input("team", _("Team"), shown_when=("to", "team"))] = None
    users: Annotated[tuple[int, ...], Input("users", _("Users"), shown_when=("to", "users"))] = ()
    role: Annotated[str, Input("user_role", _("Role"), shown_when=("to", "role"))] = ""
    title: Annotated[str, Input("text", _("Title"), help=_("May use merge fields: {{ contact.lastname }}"))] = ""
    message: Annotated[str, Input("long_text", _("Message"), optional=True)] = ""
    why: Annotated[
        bool, Input("boolean", _("Say why, where it is an SQL"), help=_("The rules of the score that led there, and that it was one before and was sent back."))
    ] = True
    mail: Annotated[bool, Input("boolean", _("By e-mail too"))] = False

    @model_validator(mode="before")
    @classmethod
    def _one_user(cls, given: Any) -> Any:
        """As it was stored before there could be several: `{"to": "user", "user": 3}`."""
        if not isinstance(given, Mapping) or "user" not in given:
            return given
        rest = {name: value for name, value in given.items() if name != "user"}
        return {**rest, "to": "users", "users": [given["user"]]} if rest.get("to") == "user" and given["user"] else rest

    def run(self, batch: Batch) -> None:
        receivers = self._receivers(batch)
        known = words.people(batch, self.title, self.message)
        told = self._reasons(batch, receivers)
        plural = types.known()[batch.object_type].plural
        notices = []
        for one in batch.standing:
            id = one.contact_id
            title, message = render.line(self.title, known[id]), render.text(self.message, known[id]).strip()
            if not receivers[id]:
                batch.skip(one, "nobody")
            for user in receivers[id]:
                body = "\n".join(part for part in (message, told[_language(user)].get(id, "")) if part)
                contact = id if batch.object_type == "contact" else None
                notices.append(notify.Notice(user.pk, batch.cause(one), title, body, f"/{plural}/{id}/", contact))
        made = notify.many(notices)
        if self.mail and not batch.rehearsal:
            for id in made:
                mailed.notice.defer(notification_id=id)

    def _receivers(self, batch: Batch) -> dict[int, list[User]]:
        """Users by contact or record, at most three queries for all."""
        active = User.objects.filter(is_active=True).order_by("pk")
        if self.to != "owner":
            told = list(active.filter(**self._named()))
            return {id: told for id in batch.contact_ids}
        table = "contact" if batch.object_type == "contact" else "record"
        owner_of: dict[int, int | None] = dict(sql.rows(f"SELECT id, owner_id FROM {table} WHERE id = ANY(%s)", [batch.contact_ids]))
        here = {user.pk: user for user in active.filter(pk__in={o for o in owner_of.values() if o})}
        owners = {id: here.get(owner_of.get(id) or 0) for id in batch.contact_ids}
        sales = list(active.filter(role=Role.SALES)) if None in owners.values() else []
        return {id: [owner] if owner else sales for id, owner in owners.items()}

    def _named(self) -> dict[str, Any]:
        match self.to:
            case "team":
                return {"team_id": self.team or 0}
            case "users":
                return {"pk__in": self.users}
        return {"role": self.role}

    def _reasons(self, batch: Batch, receivers: Mapping[int, list[User]]) -> dict[str, dict[int, str]]:
        """Why somebody is an SQL, by the receivers' languages."""
        told: dict[str, dict[int, str]] = defaultdict(dict)
        if self.why and batch.object_type == "contact":
            for language in {_language(user) for users in receivers.values() for user in users}:
                with translation.override(language):
                    told[language] = alerts.why_sql(batch.contact_ids)
        return told

    def detail(self) -> str:
        match self.to:
            case "team":
                return Team.objects.filter(pk=self.team or 0).values_list("name", flat=True).first() or ""
            case "users":
                return ", ".join(User.objects.filter(pk__in=self.users).order_by("name").values_list("name", flat=True))
            case "role":
                return roles.name(self.role) if self.role else ""
        return str(dict(TO)["owner"])

    def problems(self) -> list[Problem]:
        found = []
        if self.to == "team" and not Team.objects.filter(pk=self.team or 0).exists():
            found.append(Problem("team", "NOT_FOUND", gettext("This team does not exist any more.")))
        if self.to == "users" and User.objects.filter(pk__in=self.users, is_active=True).count() < len({*self.users}):
            found.append(Problem("users", "NOT_FOUND", gettext("One of these users does not exist any more.")))
        if self.to == "role" and not User.objects.filter(role=self.role, is_active=True).exists():
            found.append(Problem("role", "NOT_FOUND", gettext("No colleague has this role.")))
        return found + words.check("title", self.title) + words.check("message", self.message)


def _language(user: User) -> str:
    return user.language or settings.LANGUAGE_CODE
