"""Give a record its owner: one colleague, colleagues in turn, or by rules; to nobody more than he can hold."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from baton.accounts.models import Team, User
from baton.automation import rotation, whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import records
from baton.platform.errors import Invalid, Problem
from baton.segments import catalog, filter, finder
from baton.segments.finder import Find

HOW = (("user", _("One colleague")), ("turn", _("Colleagues in turn")), ("team", _("A team in turn")), ("rules", _("By rules")))
WHEN = (("unowned", _("Only if there is no owner yet")), ("always", _("Always")))


class Rule(BaseModel):
    """Who fits the filter goes to a colleague, or to a team in turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: dict[str, Any] = {}
    user: int | None = None
    team: int | None = None


class AssignOwner(Step):
    key = "assign_owner"
    label = _("Assign an owner")
    icon = "user-check"
    group = "record"

    how: Annotated[Literal["user", "turn", "team", "rules"], Input("choice", _("To whom"), options=HOW)] = "turn"
    user: Annotated[int | None, Input("user", _("User"), shown_when=("how", "user"))] = None
    users: Annotated[tuple[int, ...], Input("users", _("Colleagues"), shown_when=("how", "turn"))] = ()
    team: Annotated[int | None, Input("team", _("Team"), shown_when=("how", "team"))] = None
    rules: Annotated[
        tuple[dict[str, Any], ...],
        Field(max_length=50),
        AfterValidator(lambda rules: tuple(Rule.model_validate(rule).model_dump() for rule in rules)),
        Input("rules", _("Rules"), help=_("The first that fits decides."), shown_when=("how", "rules")),
    ] = ()
    when: Annotated[Literal["unowned", "always"], Input("choice", _("Assign when"), options=WHEN)] = "unowned"
    most: Annotated[
        int,
        Field(ge=0, le=100_000),
        Input("number", _("At most open ones each"), help=_("Customers, recycled and closed ones do not count. 0: no limit."), optional=True),
    ] = 0

    def run(self, batch: Batch) -> None:
        kind = batch.object_type
        rows = records.many(kind, batch.contact_ids)
        left = []
        for one in sorted(batch.standing, key=lambda one: one.enrollment_id):
            row = rows.get(one.contact_id)
            if row is None:
                batch.skip(one, whom.missing(kind))
            elif row.owner_id is not None and self.when == "unowned":
                batch.skip(one, gettext("Has an owner already."))
            else:
                left.append(one)
        wanted: dict[int, dict[str, Any]] = {}
        groups = self._groups([one.contact_id for one in left], batch)
        for number, ids in sorted(groups.items()):
            users = self._users(number)
            key = f"step:{batch.workflow_id}:{self.id}" + ("" if number is None else f":{number}")
            chosen = rotation.take(key, users, len(ids), most=self.most or None, object_type=kind)
            wanted |= {id: {"owner_id": user} for id, user in zip(ids, chosen, strict=False)}
        outcomes = records.update_many(kind, wanted, actor=batch.actor, source="workflow")
        fits = {id for ids in groups.values() for id in ids}
        for one in left:
            if one.contact_id in wanted and not (fault := outcomes[one.contact_id]):
                batch.note(one, owner=wanted[one.contact_id]["owner_id"])
            elif one.contact_id in wanted and fault:
                batch.skip(one, whom.said([fault]))
            elif one.contact_id in fits:
                batch.skip(one, gettext("Nobody is there who could take it."))
            else:
                batch.skip(one, gettext("No rule fits."))

    def _groups(self, ids: Sequence[int], batch: Batch) -> Mapping[Any, list[int]]:
        """Whom each rule takes, the first that fits; one statement a rule. Without rules all are one group."""
        if self.how != "rules":
            return {None: list(ids)} if ids else {}
        known = catalog.current()
        found: dict[Any, list[int]] = defaultdict(list)
        left = list(ids)
        for number, rule in enumerate(self.rules):
            if not left:
                break
            node = filter.parse(rule["filter"], known, object_type=batch.object_type)
            fits = set(finder.matching(Find(batch.object_type, node), left))
            found[number] = [id for id in left if id in fits]
            left = [id for id in left if id not in fits]
        return {number: some for number, some in found.items() if some}

    def _users(self, number: int | None) -> list[int]:
        """Who may get some, in the order of their turns; who cannot sign in any more is passed over."""
        here = User.objects.filter(is_active=True)
        user, team, several = self.user, self.team, self.users
        if number is not None:
            user, team, several = self.rules[number]["user"], self.rules[number]["team"], ()
        if self.how == "turn":
            active = set(here.filter(pk__in=several).values_list("pk", flat=True))
            return [pk for pk in several if pk in active]
        if self.how == "team" or (number is not None and user is None):
            return list(here.filter(team_id=team or 0).order_by("pk").values_list("pk", flat=True))
        return list(here.filter(pk=user or 0).values_list("pk", flat=True))

    def detail(self) -> str:
        if self.how == "user":
            return User.objects.filter(pk=self.user or 0).values_list("name", flat=True).first() or ""
        if self.how == "team":
            return Team.objects.filter(pk=self.team or 0).values_list("name", flat=True).first() or ""
        if self.how == "turn":
            names = dict(User.objects.filter(pk__in=self.users).values_list("pk", "name"))
            return " → ".join(names[pk] for pk in self.users if pk in names)
        return gettext("By {n} rules").format(n=len(self.rules)) if self.rules else ""

    def problems(self) -> list[Problem]:
        gone = gettext("This user does not exist any more.")
        active = set(User.objects.filter(is_active=True).values_list("pk", flat=True))
        teams = set(Team.objects.filter(user__is_active=True).values_list("pk", flat=True))
        empty = gettext("Nobody is in this team.")
        match self.how:
            case "user":
                return [] if self.user in active else [Problem("user", "NOT_FOUND", gone)]
            case "turn":
                return [] if active.intersection(self.users) else [Problem("users", "NOT_FOUND", gone)]
            case "team":
                return [] if self.team in teams else [Problem("team", "NOT_FOUND", empty)]
        found: list[Problem] = []
        known = catalog.current()
        for number, rule in enumerate(Rule(**one) for one in self.rules):
            at = f"rules[{number}]"
            if rule.user is None and rule.team is None:
                found.append(Problem(f"{at}.user", "REQUIRED", gettext("Choose a colleague or a team.")))
            elif rule.user is not None and rule.user not in active:
                found.append(Problem(f"{at}.user", "NOT_FOUND", gone))
            elif rule.user is None and rule.team not in teams:
                found.append(Problem(f"{at}.team", "NOT_FOUND", empty))
            try:
                filter.parse(rule.filter, known, object_type=self.object_type)
            except Invalid as error:
                found += [Problem(f"{at}.filter.{p.path}" if p.path else f"{at}.filter", p.code, p.message) for p in error.problems]
            if not rule.filter:
                found.append(Problem(f"{at}.filter", "REQUIRED", gettext("A rule needs a condition.")))
        return found
