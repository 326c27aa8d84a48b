"""Lists ready to use: leads for nurturing and for sales, who got stuck, who is interested now; and the block of people whom no campaign is for.

A preset is a filter over what this account has: one that needs a score, stage or property there is not is not offered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.accounts.models import User
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid, NotFound
from baton.segments import catalog, filter, verbs
from baton.segments.models import ScoreModel, Segment

Stored = dict[str, Any]
EXCLUSION = "exclusion"
LOCK = 0xBA74


@dataclass(frozen=True, slots=True)
class Preset:
    """A list to be made: `filter` makes its stored filter, anew each time; `hint` says what to do with those in it."""

    key: str
    name: str
    why: str
    filter: Callable[[], Stored]
    hint: str = ""
    role: str = ""


def _property(name: str, operator: str, value: Any = None) -> Stored:
    return {"condition": "property", "property": name, "operator": operator, **({} if value is None else {"value": value})}


def _without_excluded() -> Stored:
    block = find_exclusions()
    return {"not": {"condition": "in_segment", "segment": block.pk}} if block else {"not": {"condition": "opted_out"}}


def _band(band: str, usual: int) -> int:
    model = ScoreModel.objects.filter(archived_at=None, object_type="contact").first()
    begins = model.begins(band) if model else None
    return usual if begins is None else begins


def _excluded() -> Stored:
    """Customers, opted out, employees, partners, open opportunities."""
    tests: list[Stored] = [_property("lifecyclestage", "any_of", ["opportunity", "customer", "evangelist"]), {"condition": "opted_out"}]
    tests += [_property("email", "ends_with", f"@{domain}") for domain in _own_domains()]
    known = catalog.current()
    for name, word in (("contact_type", "partner"), ("persona", "partner")):
        prop = known.property("contact", name)
        if prop is not None and any(value == word for value, _label in prop.options):
            tests.append(_property(name, "any_of", [word]))
    company = known.property("company", "type")
    if company is not None and (words := [value for value, _label in company.options if value.lower() in ("partner", "reseller")]):
        tests.append({"related": "company", "filter": _property("type", "any_of", words)})
    return {"any": tests}


def _own_domains() -> list[str]:
    """The domains of the colleagues' addresses: who writes from there is no lead."""
    free = ("gmail.com", "naver.com", "daum.net", "hanmail.net", "kakao.com", "outlook.com")
    found = {email.lower().partition("@")[2] for email in User.objects.filter(is_active=True).values_list("email", flat=True)}
    return sorted(domain for domain in found if domain and domain not in free)[:20]


PRESETS: dict[str, Preset] = {
    preset.key: preset
    for preset in (
        Preset(
            "mql",
            gettext_noop("MQL for nurturing"),
            gettext_noop("Interested, and not yet ready for a call: points from the MQL to the SQL threshold, without who is left out."),
            lambda: {"all": [{"condition": "score", "at_least": _band("mql", 35), "at_most": _band("sql", 65) - 1}, _without_excluded()]},
            gettext_noop("Use it as the audience of a nurturing workflow."),
        ),
        Preset(
            "sql",
            gettext_noop("SQL to hand over"),
            gettext_noop("Ready for sales: points from the SQL threshold, without who is left out."),
            lambda: {"all": [{"condition": "score", "at_least": _band("sql", 65)}, _without_excluded()]},
            gettext_noop("Let a workflow set the owner and a task for those who join."),
        ),
        Preset(
            "hot_without_owner",
            gettext_noop("High score, nobody looks after"),
            gettext_noop("Enough points for sales, and no owner."),
            lambda: {"all": [{"condition": "score", "at_least": _band("sql", 65)}, _property("owner_id", "unknown"), _without_excluded()]},
            gettext_noop("Give them an owner from the table, or let a workflow do it with a task to call."),
        ),
        Preset(
            "almost_customers",
            gettext_noop("Last stage before the deal, with a say"),
            gettext_noop("In the last stage before an opportunity, and able to decide: executives and heads of department."),
            lambda: {"all": [{"condition": "stage", "stages": ["sql"]}, _property("seniority", "any_of", ["exec", "head"])]},
        ),
        Preset(
            "stuck",
            gettext_noop("Stuck in their stage"),
            gettext_noop("For more than 30 days in the same stage on the way."),
            lambda: {"all": [{"condition": "stage", "stages": ["lead", "nurturing", "mql", "sql"], "longer_days": 30}]},
            gettext_noop("Change the number of days to what is long for you."),
        ),
        Preset(
            "opened",
            gettext_noop("Opened a mail"),
            gettext_noop("Opened an e-mail in the last 30 days. Choose which one."),
            lambda: {"all": [{"condition": "email_opened", "days": 30}]},
        ),
        Preset(
            "prices_twice",
            gettext_noop("Looked at the prices twice"),
            gettext_noop("Saw the price page at least twice in the last 30 days."),
            lambda: {"all": [{"condition": "page_viewed", "address": "/pricing", "match": "contains", "at_least": 2, "days": 30}]},
        ),
        Preset(
            "fit_and_engaged",
            gettext_noop("Fits, and is engaged"),
            gettext_noop("Both halves of the score are high: who they are, and what they do."),
            lambda: {"all": [{"condition": "score", "at_least": 30, "part": "fit"}, {"condition": "score", "at_least": 20, "part": "engagement"}]},
        ),
        Preset(
            "quiet",
            gettext_noop("Went quiet"),
            gettext_noop("Had points once, and did nothing for 60 days."),
            lambda: {"all": [{"condition": "no_activity", "days": 60}, {"condition": "stage", "stages": ["lead", "nurturing", "mql"]}]},
            gettext_noop("Wake them up with a workflow, or let them be."),
        ),
        Preset(
            "dead_end",
            gettext_noop("Dead end"),
            gettext_noop("Nobody works on them any more."),
            lambda: {"all": [{"condition": "stage", "stages": ["deadend"]}]},
        ),
        Preset(
            EXCLUSION,
            gettext_noop("Left out"),
            gettext_noop("Customers, opted out, colleagues, partners and open opportunities: one block to leave out of other lists."),
            _excluded,
            role=EXCLUSION,
        ),
    )
}


def offered() -> list[Preset]:
    """The presets that this account can use now."""
    return [preset for preset in PRESETS.values() if stored(preset.key) is not None]


def stored(key: str) -> Stored | None:
    """The filter of a preset; None where it needs something that is not there."""
    preset = PRESETS.get(key)
    if preset is None:
        return None
    made = preset.filter()
    try:
        filter.parse(made, catalog.current())
    except Invalid:
        return None
    return made


def make(key: str, *, actor: Actor) -> Segment:
    """The list of a preset. Raises NotFound."""
    made = stored(key)
    if made is None:
        raise NotFound(_("There is no such preset."))
    preset = PRESETS[key]
    if preset.role == EXCLUSION:
        return exclusions(actor)
    return verbs.create_segment(_(preset.name), made, "active", actor, description=_(preset.why), preset=key, role=preset.role)


def find_exclusions() -> Segment | None:
    """The list of people who are left out; None before it is first wanted."""
    return Segment.objects.filter(role=EXCLUSION, archived_at=None).order_by("pk").first()


def exclusions(actor: Actor = SYSTEM) -> Segment:
    """The list of people who are left out, made when it is first wanted."""
    with transaction.atomic():
        sql.rows("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK])
        found = find_exclusions()
        if found is not None:
            return found
        preset = PRESETS[EXCLUSION]
        return verbs.create_segment(_(preset.name), _excluded(), "active", actor, description=_(preset.why), preset=EXCLUSION, role=EXCLUSION)
