"""What stands beside a record's timeline: lists, workflows and consent of a person, the figures of a company or deal, whom to call."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import activities, consent, types
from baton.crm.models import Consent
from baton.messaging.consent import suppression
from baton.messaging.models import Suppression
from baton.platform import clock, sql
from baton.segments.models import Membership, Segment

from ..templatetags.fmt import money, num, within
from . import consent_panel, links
from .links import Linked, Panel
from .subject import Subject


def lists(contact_id: int) -> list[dict[str, Any]]:
    """The lists a person is in, by name."""
    joined = dict(Membership.objects.filter(contact_id=contact_id).values_list("segment_id", "joined_at"))
    return [{"id": s.pk, "name": s.name, "role": s.role, "at": joined[s.pk]} for s in Segment.objects.filter(pk__in=joined, archived_at=None).order_by("name")]


def consents(contact_id: int) -> list[dict[str, Any]]:
    """One row a channel: the answer, since when and what it rests on, and whether it ended or something overrules it."""
    given = {c.channel: c for c in Consent.objects.filter(contact_id=contact_id)}
    stopped = {s.channel: s for s in Suppression.objects.filter(contact_id=contact_id)}
    now = clock.now()
    rows = []
    for key, label in consent.CHANNELS.items():
        answer, stop = given.get(key), stopped.get(key)
        if stop is not None and stop.reason == suppression.UNSUBSCRIBED and answer is not None and answer.granted and answer.at > stop.at:
            stop = None
        ended = answer is not None and answer.granted and answer.expires_at is not None and answer.expires_at <= now
        word = str(suppression.WORDS.get(stop.reason, stop.reason)) if stop else ""
        basis = str(consent_panel.BASES.get(answer.basis, "")) if answer else ""
        rows.append({"channel": key, "label": label, "given": answer, "stopped": word, "ended": ended, "basis": basis})
    return rows


def primary_contact(panels: Mapping[str, Panel]) -> int | None:
    """Whom to call about a deal or ticket: the contact linked first."""
    panel = panels.get("contact")
    return panel.rows[0].id if panel and panel.rows else None


def about(subject: Subject, panels: Mapping[str, Panel]) -> list[str | Linked]:
    """The line below the name: what it is, and the company it belongs to as a link."""
    p = subject.values
    parts: list[str | Linked] = []
    if subject.is_person and p.get("jobtitle"):
        parts.append(str(p["jobtitle"]))
    companies = panels["company"].rows if "company" in panels and subject.key != "company" else []
    if companies:
        parts.append(companies[0])
    elif subject.is_person and p.get("company"):
        parts.append(str(p["company"]))
    if subject.key == "company":
        parts += [str(p[name]) for name in ("domain",) if p.get(name)]
    return parts or [subject.label]


def deals_of(contact_id: int, subject: Subject) -> tuple[int, float]:
    """The open deals of a contact, as `links.open_deals` counts them."""
    return links.open_deals_of(contact_id, subject.rights)


def tasks_of(contact_id: int, rights: Rights) -> int:
    """How many tasks about a contact are still open, of those the reader may see."""
    seen, params = activities.seen(rights, ["task"])
    ((count,),) = sql.rows(
        "SELECT count(DISTINCT r.id) FROM association a JOIN record r ON r.id = a.to_id WHERE a.from_id = %(id)s AND a.to_type = 'task'"
        f" AND r.archived_at IS NULL AND coalesce(r.properties->>'status', '') <> 'COMPLETED' AND {seen}",
        {"id": contact_id, **params},
    )
    return int(count)


NEXT = {"contact": "deal", "company": "deal", "deal": "quote", "quote": "line_item"}


def next_record(subject: Subject) -> dict[str, Any]:
    """What usually follows from a record, if the reader may make it: a deal from a contact, a quote from a deal."""
    key = NEXT.get(subject.key, "")
    if not key or not subject.may_edit or not subject.rights.may(key, "create"):
        return {}
    kind = types.get(key)
    return {"next_kind": kind, "next_label": _("Add {thing}").format(thing=within(types.label(kind)))}


def facts(subject: Subject, panels: Mapping[str, Panel], deals: int, amount: float) -> list[tuple[str, str]]:
    """The figures that matter of a record, as (label, text)."""
    p = subject.values
    match subject.key:
        case "company":
            people = panels["contact"].count if "contact" in panels else 0
            found = [(_("Contacts"), num(people)), (_("Open deals"), num(deals))]
            return [*found, (_("Open amount"), money(amount))] if amount else found
        case "deal":
            found = [(_("Amount"), money(p.get("amount")) or "–")]
            if p.get("probability") is not None and p.get("amount"):
                found.append((_("Weighted"), money(p.get("weighted_amount"))))
            return found
        case "quote":
            items = panels.get("line_item")
            total = items.total if items and items.total is not None else p.get("amount")
            return [(_("Sum"), money(total) or "–")]
    return []
