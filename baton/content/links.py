"""Short links: made, changed, switched off; and how often they were used. The collector leads people on (collector/links.py)."""

import secrets
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.content import campaign
from baton.content.assets import is_address
from baton.content.models import ShortLink
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

MEDIA: dict[str, str | Promise] = {"link": gettext_lazy("Link"), "qr": gettext_lazy("QR code")}
SETTINGS = ("name", "url", "utm", "medium", "place")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike: codes are read from paper and typed
LONG = 7
COUNTS = """
SELECT d.link_id, sum(d.people)::bigint, sum(d.machines)::bigint FROM short_link_day d WHERE d.link_id = ANY(%s) AND d.day >= %s GROUP BY 1
"""
DAYS = "SELECT d.day, d.people, d.machines FROM short_link_day d WHERE d.link_id = %s AND d.day >= %s ORDER BY d.day"


class Used(NamedTuple):
    """Clicks of a link: those that look like a person's, and those of programs."""

    people: int = 0
    machines: int = 0


def create(name: str, url: str, *, actor: Actor, code: str = "", utm: Mapping[str, str] | None = None, medium: str = "link", place: str = "") -> ShortLink:
    """A new link. Without a code one is drawn. Raises Invalid with paths, Conflict for a code that is taken."""
    link = ShortLink(code=code.strip().lower(), created_by=str(actor))
    _apply(link, {"name": name, "url": url, "utm": dict(utm or {}), "medium": medium, "place": place})
    if code and (len(link.code) > 40 or not all(letter in f"{LETTERS}ilo01-_" for letter in link.code)):
        raise Invalid.one("code", "INVALID_TEXT", _("A code has up to 40 small letters, digits, hyphens and underscores."))
    for _attempt in range(5):
        link.code = link.code if code else "".join(secrets.choice(LETTERS) for _letter in range(LONG))
        try:
            with transaction.atomic():
                link.save(force_insert=True)
                keys.resolve({(Kind.LINK_CLICK, str(link.pk)): link.name})
                history.record(actor, "created", "short_link", link.pk, name=link.name, url=link.url, medium=link.medium)
            return link
        except IntegrityError:
            link.pk = None
            if code:
                break
    raise Conflict(_("The code “{code}” is taken.").format(code=link.code))


def update(link: ShortLink, *, actor: Actor, **settings: Any) -> ShortLink:
    """Change where it leads, or what it is called; printed codes stay good. Raises Invalid with paths."""
    before = {key: getattr(link, key) for key in SETTINGS}
    changed = ShortLink(**before)
    _apply(changed, settings)
    differing = {key: getattr(changed, key) for key in settings if getattr(changed, key) != before[key]}
    if not differing:
        return link
    for key, value in differing.items():
        setattr(link, key, value)
    link.updated_at = clock.now()
    with transaction.atomic():
        link.save(update_fields=[*differing, "updated_at"])
        keys.resolve({(Kind.LINK_CLICK, str(link.pk)): link.name})
        history.record(actor, "updated", "short_link", link.pk, **{key: [before[key], value] for key, value in differing.items()})
    return link


def switch(link: ShortLink, active: bool, *, actor: Actor) -> None:
    """Let it lead on, or not. Collectors follow within half a minute."""
    if link.active != active:
        link.active, link.updated_at = active, clock.now()
        with transaction.atomic():
            link.save(update_fields=["active", "updated_at"])
            history.record(actor, "switched on" if active else "switched off", "short_link", link.pk, name=link.name)


def get(pk: int) -> ShortLink:
    """Raises NotFound."""
    found = ShortLink.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such link."))
    return found


def address(link: ShortLink) -> str:
    """What is printed, posted and scanned."""
    return f"{config().url}/l/{link.code}"


def target(link: ShortLink) -> str:
    """Where it leads, with its campaign."""
    return campaign.with_campaign(link.url, link.utm)


def used(link_ids: Collection[int], days: int = 90) -> dict[int, Used]:
    """Clicks of the last days, for any number of links in one statement."""
    return {id: Used(people, machines) for id, people, machines in sql.rows(COUNTS, [list(link_ids), _today() - timedelta(days=days - 1)])}


def by_day(link_id: int, days: int = 30) -> list[tuple[date, Used]]:
    """The last days, one entry each, today last."""
    first = _today() - timedelta(days=days - 1)
    found = {day: Used(people, machines) for day, people, machines in sql.rows(DAYS, [link_id, first])}
    return [(day, found.get(day, Used())) for day in (first + timedelta(days=n) for n in range(days))]


def _today() -> date:
    return clock.now().astimezone(config().zone).date()


def _apply(link: ShortLink, settings: Mapping[str, Any]) -> None:
    problems: list[Problem] = []
    for key, value in settings.items():
        if key not in SETTINGS:
            problems.append(Problem(key, "UNKNOWN", _("A link has no such setting.")))
        else:
            setattr(link, key, value)
    link.name, link.url, link.place = link.name.strip()[:200], link.url.strip(), link.place.strip()[:200]
    if not link.name:
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    if not is_address(link.url):
        problems.append(Problem("url", "INVALID_URL", _("Expected an http:// or https:// address.")))
    if link.medium not in MEDIA:
        problems.append(Problem("medium", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(MEDIA))))
    link.utm = {key: str(value).strip()[:200] for key, value in link.utm.items() if str(value).strip()}
    if unknown := sorted(set(link.utm) - set(campaign.TAGS)):
        problems.append(Problem(f"utm.{unknown[0]}", "UNKNOWN", _("A link has no such setting.")))
    if link.medium == "qr":
        if not link.place:
            problems.append(Problem("place", "REQUIRED", _("Where does the code hang? Name the fair, the seminar or the booth.")))
        link.utm = {"utm_source": link.place, "utm_medium": "qr", **link.utm}
    if problems:
        raise Invalid(problems)
