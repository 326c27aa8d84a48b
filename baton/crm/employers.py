"""The company of a contact, found by the domain of his business address, and made where it is missing. An account switches it on.

Only for contacts who have no company yet; never for domains of mail providers, throw-away ones and those that the account excepts.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts import users
from baton.crm import associations, mail_domains, records
from baton.crm.associations import Link
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.changes import Batch, Change, on_change
from baton.platform.errors import Invalid, Problem

MODES = ("off", "link", "create")
SOURCE = "mail_domain"
MOST = 500  # domains that are no company's
ALL = """
SELECT c.id, split_part(c.email, '@', 2), coalesce(c.properties ->> 'company', '') FROM contact c
WHERE c.id = ANY(%s) AND c.archived_at IS NULL AND c.email LIKE '%%@%%'
"""
WITHOUT = f"""{ALL}
  AND NOT EXISTS (SELECT 1 FROM association a WHERE a.from_id = c.id AND a.to_type = 'company')
"""
THERE = """
SELECT lower(r.properties ->> 'domain'), min(r.id) FROM record r
WHERE r.object_type = 'company' AND r.archived_at IS NULL AND lower(r.properties ->> 'domain') = ANY(%s) GROUP BY 1
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('employer:' || d, 0)) FROM unnest(%s::text[]) AS d"


def chosen() -> dict[str, Any]:
    """What the account has chosen: {"mode": off, link or create, "not": domains that are no company's}."""
    return {"mode": "off", "not": [], **users.account().employers}


def choose(mode: str, excepted: Sequence[str], *, actor: Actor) -> None:
    """Switch it on or off. Raises Invalid (`mode`, `not`)."""
    domains = sorted({mail_domains.normal(text) or text for text in (text.strip() for text in excepted) if text})
    problems = [] if mode in MODES else [Problem("mode", "INVALID_OPTION", _("Choose one of the values offered."))]
    wrong = [text for text in domains if not mail_domains.normal(text)]
    if wrong:
        problems.append(Problem("not", "INVALID_DOMAIN", _("{domain} is no domain.").format(domain=wrong[0][:100])))
    if len(domains) > MOST:
        problems.append(Problem("not", "TOO_MANY", _("At most {n} domains.").format(n=MOST)))
    if problems:
        raise Invalid(problems)
    users.update_account(actor=actor, employers={"mode": mode, "not": domains})


@on_change(order=13)
def follow(batch: Batch, unseen: list[Change]) -> None:
    """Look for the companies of contacts who are new or have another address."""
    ids = {change.contact_id for change in unseen if change.kind == "identity" or (change.kind == "property" and change.key == "email")}
    if ids:
        find(ids)


def find(contact_ids: Collection[int]) -> int:
    """Link those without a company to that of their address; returns how many. A handful of statements, whatever the number."""
    wish = chosen()
    if wish["mode"] == "off":
        return 0
    found = _match(sql.rows(WITHOUT, [sorted(contact_ids)]), create=wish["mode"] == "create", actor=SYSTEM)
    associations.link_many([Link("contact", id, "company", company) for id, company in found.items()], actor=SYSTEM)
    return len(found)


def of_address(contact_ids: Collection[int], *, create: bool, actor: Actor) -> dict[int, int]:
    """The company of each contact's e-mail address, linked or not; who has none is missing. With `create` it is made where there is none."""
    return _match(sql.rows(ALL, [sorted(contact_ids)]), create=create, actor=actor)


def _match(rows: Sequence[tuple[int, str, str]], *, create: bool, actor: Actor) -> dict[int, int]:
    """The company of each of (contact, mail domain, what he calls his company)."""
    excepted = frozenset(chosen()["not"])
    people: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for id, domain, company in rows:
        if (employer := _employer(domain, excepted)) is not None:
            people[employer].append((id, company))
    companies = _companies(people) if people else {}
    if create and (missing := sorted(people.keys() - companies.keys())):
        sql.rows(ONE_AT_A_TIME, [missing])  # two ticks do not make the same company
        companies |= _companies(missing)
        missing = [domain for domain in missing if domain not in companies]
        wanted = [{"name": _name(domain, [company for _id, company in people[domain]]), "domain": domain} for domain in missing]
        made = records.create_many("company", wanted, actor=actor, source=SOURCE)
        companies |= {domain: id for domain, id in zip(missing, made, strict=True) if isinstance(id, int)}
    return {id: companies[domain] for domain, found in people.items() if domain in companies for id, _company in found}


def _employer(domain: str, excepted: frozenset[str]) -> str | None:
    """The domain that the company of an address has; None for one that says nothing."""
    if mail_domains.kind(domain) != "business":
        return None
    own = mail_domains.registrable(mail_domains.normal(domain))
    return None if excepted & {own, mail_domains.normal(domain)} else own


def _companies(domains: Collection[str]) -> dict[str, int]:
    """The oldest live company of each domain, however it was written."""
    forms = {form: domain for domain in domains for form in (domain, f"www.{domain}", f"https://{domain}", f"https://www.{domain}", f"http://{domain}")}
    found: dict[str, int] = {}
    for form, id in sql.rows(THERE, [list(forms)]):
        found[forms[form]] = min(id, found.get(forms[form], id))
    return found


def _name(domain: str, said: Sequence[str]) -> str:
    """What its people call it most often, else the domain."""
    words = Counter(name for name in said if name)
    return words.most_common(1)[0][0] if words else domain
