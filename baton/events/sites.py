"""The company's web sites: who may send hits, who hands visitors on to whom, and what visitors are asked before they are recorded."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm.mail_domains import suffixes
from baton.events import banner_texts
from baton.events.banner_texts import FIELDS, LANGUAGES, MODES
from baton.events.models import Site
from baton.events.vocabulary import Kind
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound, Problem
from baton.platform.models import History

CHANNEL = "baton_site"  # the collector listens: it reads the sites anew
LONGEST = {"title": 120, "text": 1000, "agree": 40, "refuse": 40, "policy": 60}  # characters
GROUP = 60
HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def known() -> tuple[Site, ...]:
    """The sites that may send hits, by group and domain. None: any site may, so that a new Baton just works."""
    return tuple(Site.objects.filter(archived_at=None).order_by("group", "domain"))


def find(site_id: int) -> Site:
    """A living site. Raises NotFound."""
    found = Site.objects.filter(pk=site_id, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no such site."))
    return found


def of_host(host: str) -> Site | None:
    """The site a host belongs to: itself, or the nearest one above it."""
    host = host.lower().rstrip(".")
    above = [host, *(host.split(".", n)[n] for n in range(1, host.count(".") + 1))]
    found = Site.objects.filter(domain__in=above, archived_at=None)
    return max(found, key=lambda site: len(site.domain), default=None)


def define(domain: str, *, actor: Actor, group: str | None = None, banner: Mapping[str, Any] | None = None) -> Site:
    """A site, new or changed; what is not given stays. An archived one comes back. Raises Invalid with paths.

    `banner` is {"mode": none, notice or ask, "policy_url", "text": {"ko": {title, text, agree, refuse, policy}, "en": {…}},
    "again": True to ask those who have answered already}. Empty words mean the usual ones.
    """
    host, problems = _domain(domain), []
    if not host:
        problems.append(Problem("domain", "INVALID_DOMAIN", _("This is no domain. Give the address of your site, for example example.com.")))
    elif "." in host and suffixes().is_public(host) and not _is_address(host):
        problems.append(Problem("domain", "PUBLIC_SUFFIX", _("Under {domain} anybody can have a site. Give your own domain below it.").format(domain=host)))
    if group is not None and len(group.strip()) > GROUP:
        problems.append(Problem("group", "TOO_LONG", _("At most {n} characters.").format(n=GROUP)))
    with transaction.atomic():
        site = Site.objects.select_for_update().filter(domain=host).first() or Site(domain=host)
        before = {"group": site.group, "banner": site.banner} if site.pk and site.archived_at is None else None
        asked = _banner(banner, site.banner, problems)
        if problems:
            raise Invalid(problems)
        site.group = site.group if group is None else group.strip()
        site.banner, site.archived_at = asked, None
        after = {"group": site.group, "banner": site.banner}
        if before == after:
            return site
        site.save()
        history.record(actor, "updated" if before else "created", "site", site.pk, domain=host, before=before, after=after)
        sql.run(f"NOTIFY {CHANNEL}")
    return site


def add(domain: str, *, actor: Actor, group: str = "") -> Site:
    """A new site. Raises Conflict when it is there already, Invalid as `define`."""
    host = _domain(domain)
    old = Site.objects.filter(domain=host, archived_at=None).first() if host else None
    if old is not None:
        raise Conflict(_("{domain} is there already.").format(domain=host), existing_id=old.pk)
    return define(domain, actor=actor, group=group)


def archive(site: Site, *, actor: Actor) -> None:
    """Take no more hits of a site. What it sent stays. When it was the last one, any site may send again."""
    if site.archived_at is None:
        with transaction.atomic():
            site.archived_at = clock.now()
            site.save(update_fields=["archived_at"])
            history.record(actor, "archived", "site", site.pk, domain=site.domain)
            sql.run(f"NOTIFY {CHANNEL}")


def banner(site: Site, language: str) -> dict[str, str]:
    """The words a site's visitors see in a language, with `mode`, `policy_url` and the `version` that a proof names."""
    kept = site.banner or _banner(None, {}, [])
    return {**kept["text"][language], "mode": kept["mode"], "policy_url": kept["policy_url"], "version": f"{kept['edition']}-{kept['versions'][language]}"}


def hits_today(site: Site) -> int:
    """How many requests a site has sent today, in the account's zone."""
    return site.hits if site.hits_on == today() else 0


def today() -> date:
    """The day in the account's zone."""
    return clock.now().astimezone(config().zone).date()


def _domain(given: str) -> str:
    """The host in what a person gave (an address will do), without www; "" when there is none."""
    text = given.strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
        host = host.rstrip(".").removeprefix("www.").encode("idna").decode()
    except (ValueError, UnicodeError):
        return ""
    return host if len(host) <= 253 and (HOST.fullmatch(host) or _is_address(host)) else ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def shown(domain: str) -> str:
    """A domain as people read it: 한글.example, not xn--…"""
    try:
        return domain.encode().decode("idna")
    except UnicodeError:
        return domain


def _banner(given: Mapping[str, Any] | None, before: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The banner as kept: complete in every language, each with the version of its words."""
    if given is None and before:
        return dict(before)
    given = given or {}
    mode = given.get("mode", before.get("mode", "none"))
    if mode not in MODES:
        problems.append(Problem("banner.mode", "INVALID_OPTION", _("Choose one of the three ways.")))
        mode = "none"
    policy = str(given.get("policy_url", before.get("policy_url", ""))).strip()
    if policy and (not policy.startswith(("https://", "http://", "/")) or len(policy) > 500):
        problems.append(Problem("banner.policy_url", "INVALID_URL", _("Give an address that begins with https://, or a path of your site such as /privacy.")))
    text: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        wanted, usual = given.get("text", {}).get(language, before.get("text", {}).get(language, {})), banner_texts.default(mode, language)
        text[language] = {name: str(wanted.get(name, "")).strip() or usual[name] for name in FIELDS}
        for name in FIELDS:
            if len(text[language][name]) > LONGEST[name]:
                problems.append(Problem(f"banner.text.{language}.{name}", "TOO_LONG", _("At most {n} characters.").format(n=LONGEST[name])))
    edition = before.get("edition", 1) + (1 if given.get("again") and before else 0)
    versions = {language: _version(text[language], policy) for language in LANGUAGES}
    return {"mode": mode, "policy_url": policy, "text": text, "edition": edition, "versions": versions}


def _version(words: Mapping[str, str], policy: str) -> str:
    """Names these words for ever: the history of the site holds them under it."""
    return hashlib.sha256(json.dumps([words, policy], sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def wordings(site: Site) -> list[dict[str, Any]]:
    """Every banner the site ever had, newest first: {"at", "actor", "banner"}. What a proof's version stands for is found here."""
    found, last = [], None
    for at, actor, after in (
        History.objects.filter(subject_type="site", subject_id=str(site.pk), verb__in=("created", "updated"))
        .order_by("at", "id")
        .values_list("at", "actor", "detail__after")
    ):
        banner = after and after.get("banner")
        if banner and (banner["versions"], banner["mode"], banner["edition"]) != last:
            last = banner["versions"], banner["mode"], banner["edition"]
            found.append({"at": at, "actor": actor, "banner": banner})
    return found[::-1]


LATEST = """
SELECT k.value, k.label, e.payload ->> 'url', e.ts, v.country, v.language, v.user_agent
FROM (SELECT contact_id, country, language, user_agent FROM visitor ORDER BY last_seen_at DESC, contact_id DESC LIMIT 50) v
JOIN event e ON e.contact_id = v.contact_id AND e.kind = %s AND e.ts >= %s
JOIN event_key k ON k.id = e.key
WHERE %s::text = '' OR '.' || split_part(split_part(k.value, '/', 1), ':', 1) LIKE '%%.' || %s
ORDER BY e.ts DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A page view that has just come in."""

    page: str  # host/path
    title: str
    url: str
    at: datetime
    country: str
    language: str
    user_agent: str

    @property
    def host(self) -> str:
        return self.page.partition("/")[0].partition(":")[0]


def latest(since: datetime, domain: str = "") -> Seen | None:
    """The newest page view since then, of a domain or of any; among the visitors seen last, so that it costs the same in a large table."""
    found = sql.rows(LATEST, [int(Kind.PAGE_VIEW), since, domain, domain])
    return Seen(*found[0]) if found else None
