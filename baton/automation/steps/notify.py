"""Tell a colleague: the contact's owner, a team, or one user. Without an owner everybody in sales hears of it."""

from collections import defaultdict
from typing import Annotated, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.accounts.models import Role, Team, User
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.messaging import notify, render
from baton.platform import sql
from baton.platform.errors import Invalid, Problem

TO = (("owner", _("The contact's owner")), ("team", _("A team")), ("user", _("A user")))


class Notify(Step):
    key = "notify"
    label = _("Notify a colleague")
    icon = "bell"

    to: Annotated[Literal["owner", "team", "user"], Input("choice", _("To"), options=TO, help=_("A contact without an owner: everybody in sales."))] = "owner"
    team: Annotated[int | None, Input("team", _("Team"), shown_when=("to", "team"))] = None
    user: Annotated[int | None, Input("user", _("User"), shown_when=("to", "user"))] = None
    title: Annotated[str, Input("text", _("Title"), help=_("May use merge fields: {{ contact.lastname }}"))] = ""
    message: Annotated[str, Input("long_text", _("Message"), optional=True)] = ""

    def run(self, batch: Batch) -> None:
        receivers = self._receivers(batch.contact_ids)
        titles = render.lines(self.title, batch.contact_ids)
        messages = render.lines(self.message, batch.contact_ids)
        notices = []
        for one in batch.standing:
            users = receivers[one.contact_id]
            if not users:
                batch.skip(one, "nobody")
            url = f"/contacts/{one.contact_id}/"
            notices += [notify.Notice(u, batch.cause(one), titles[one.contact_id], messages[one.contact_id], url, one.contact_id) for u in users]
        notify.many(notices)

    def _receivers(self, contact_ids: list[int]) -> dict[int, list[int]]:
        """User ids by contact, at most three queries for all."""
        active = User.objects.filter(is_active=True)
        if self.to != "owner":
            chosen = active.filter(team_id=self.team or 0) if self.to == "team" else active.filter(pk=self.user or 0)
            users = list(chosen.values_list("pk", flat=True))
            return {contact_id: users for contact_id in contact_ids}
        owner_of: dict[int, int | None] = dict(sql.rows("SELECT id, owner_id FROM contact WHERE id = ANY(%s)", [contact_ids]))
        here = set(active.filter(pk__in={o for o in owner_of.values() if o}).values_list("pk", flat=True))
        sales = list(active.filter(role=Role.SALES).values_list("pk", flat=True)) if any(owner_of.get(c) not in here for c in contact_ids) else []
        result: dict[int, list[int]] = defaultdict(list)
        for contact_id in contact_ids:
            owner = owner_of.get(contact_id)
            result[contact_id] = [owner] if owner in here and owner is not None else sales
        return result

    def detail(self) -> str:
        if self.to == "team":
            return Team.objects.filter(pk=self.team or 0).values_list("name", flat=True).first() or ""
        if self.to == "user":
            return User.objects.filter(pk=self.user or 0).values_list("name", flat=True).first() or ""
        return str(dict(TO)["owner"])

    def problems(self) -> list[Problem]:
        found = []
        if self.to == "team" and not Team.objects.filter(pk=self.team or 0).exists():
            found.append(Problem("team", "NOT_FOUND", gettext("This team does not exist any more.")))
        if self.to == "user" and not User.objects.filter(pk=self.user or 0, is_active=True).exists():
            found.append(Problem("user", "NOT_FOUND", gettext("This user does not exist any more.")))
        for name, text in (("title", self.title), ("message", self.message)):
            try:
                render.check(subject=text, body="")
            except Invalid as error:
                found += [Problem(name, p.code, p.message) for p in error.problems]
        return found
