"""What the send check of a campaign shows: how many get it, as a job counted them; the mail, the law, the sending domains."""

from email.utils import parseaddr
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts import users
from baton.crm.calendar import SHORT, WEEK
from baton.messaging import exemptions, gate, law, rules
from baton.messaging.campaigns import check, plan, ready
from baton.messaging.deliverability import domains
from baton.messaging.mail import emails, mail_checks
from baton.messaging.models import Campaign, Email, SendingDomain, Variant
from baton.platform.config import config

from ..templatetags.fmt import moment
from . import campaign_words as words
from . import dns_rows


def counted(campaign: Campaign, *, anew: bool = False) -> dict[str, Any]:
    """How many get it, as far as that is known: `found` is None while it is counted for the first time since the last change."""
    answer = check.ask(campaign, anew=anew)
    found = answer.check
    rows = [
        {"code": code, "words": words.reason(code), "n": n, "share": 100 * n / found.total, "may_exempt": code in gate.EXEMPTIBLE,
         "url": f"/campaigns/{campaign.pk}/check/people/?reason={code}"}
        for code, n in found.reasons.items()
    ] if found else []  # fmt: skip
    exempted = [{"rule": row.rule, "words": words.reason(row.rule), "reason": row.reason, "basis": row.basis} for row in exemptions.of(campaign.pk)]
    return {
        "found": found, "counting": answer.counting, "basis": answer.basis, "reasons": rows, "exempted": exempted,
        "waits": [(words.reason(code), n) for code, n in found.waits.items()] if found else [],
        "getting_share": 100 * found.getting / found.total if found and found.total else 0,
        "problems": [(one.message, "/settings/account/" if one.path == "sender" else f"/campaigns/{campaign.pk}/") for one in ready.problems(campaign)],
    }  # fmt: skip


def receivers(campaign: Campaign, *, anew: bool = False) -> dict[str, Any]:
    """The same with what rests on the number: when it begins and how many days a warm-up takes."""
    known = counted(campaign, anew=anew)
    planned = plan.of(campaign.plan) if not plan.problems(campaign.plan) else plan.Plan()
    return {
        **known, "plan": planned, "begins": moment(planned.at.replace(tzinfo=config().zone)) if planned.at else "",
        "days": _days(planned, known["found"].getting) if known["found"] else 0,
    }  # fmt: skip


def rest(campaign: Campaign, planned: plan.Plan) -> dict[str, Any]:
    """Mail, law and domain: what the page shows besides the people."""
    variants = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    mails = Email.objects.in_bulk({variant.email_id for variant in variants})
    return {
        "mails": [_mail(variant, mails[variant.email_id]) for variant in variants if variant.email_id in mails],
        "law": _law(variants, mails), "senders": _senders(mails), "window": _window(planned),
        "exemptible": [{"code": code, "words": words.reason(code)} for code in gate.EXEMPTIBLE],
    }  # fmt: skip


def _mail(variant: Variant, mail: Email) -> dict[str, Any]:
    """One variant as it will be seen, with what could be better about it."""
    ruled = rules.rules()
    subject = variant.subject or mail.subject
    return {
        "variant": variant, "mail": mail, "subject": law.labelled(subject, ruled) if mail.purpose == "marketing" else subject,
        "from": variant.from_name or mail.from_name or parseaddr(config().mail_from)[0], "address": mail.from_address or parseaddr(config().mail_from)[1],
        "findings": mail_checks.look(emails.content(mail)), "unpublished": bool(mail.draft) and bool(mail.version),
    }  # fmt: skip


def _law(variants: list[Variant], mails: dict[int, Email]) -> list[dict[str, Any]]:
    """What the law asks and whether it is so: (state ok, bad or warn; text; article)."""
    ruled, account, found = rules.rules(), users.account(), []
    ads = [variant for variant in variants if variant.email_id in mails and mails[variant.email_id].purpose == "marketing"]
    for variant in variants:
        mail = mails.get(variant.email_id)
        if mail and mail.purpose != "marketing":
            said = mail.purpose_reason
            text = (
                _("No advertisement: {why}").format(why=said)
                if said
                else _("No advertisement. Nobody wrote down why: information somebody asked for, a contract?")
            )
            found.append({"state": "good" if said else "warn", "text": text, "article": law.ARTICLES["transaction"]})
            break
    if not ads:
        return found
    found.append({"state": "good", "text": _("An advertisement: only people who agreed to it get it."), "article": law.ARTICLES["consent"]})
    if not ruled.korean:
        return found
    wrong = any(law.disguised(variant.subject or mails[variant.email_id].subject) for variant in ads)
    label = _("The label in the subject is not in the form the law wants; Baton puts (광고) first.") if wrong else _("The subject begins with (광고).")
    found.append({"state": "warn" if wrong else "good", "text": label, "article": law.ARTICLES["label"]})
    missing = law.missing(account, ruled)
    names = ", ".join(str(law.SENDER[name]) for name in missing)
    text = _("Missing of the sender: {names}.").format(names=names) if missing else _("Name, address, telephone and e-mail of the sender are in the footer.")
    found.append({"state": "bad" if missing else "good", "text": text, "article": law.ARTICLES["sender"], "url": "/settings/account/" if missing else ""})
    found.append(
        {"state": "good", "text": _("A free way out in Korean and English is in the footer and in the head of the mail."), "article": law.ARTICLES["way_out"]}
    )
    night = (
        _("At night nobody gets it: who is due then gets it at 8 in the morning.")
        if ruled.night_email
        else _("E-mail may be sent at night; the rule for nights leaves it out.")
    )
    found.append({"state": "good", "text": night, "article": law.ARTICLES["night"]})
    return found


def _senders(mails: dict[int, Email]) -> list[dict[str, Any]]:
    """The domains the mails come from: whether they are signed, and what their DNS said last."""
    usual = parseaddr(config().mail_from)[1]
    found = []
    for address in sorted({mail.from_address or usual for mail in mails.values()}):
        sender = domains.sender(address)
        row = SendingDomain.objects.filter(name=sender.domain).first() if sender.domain else None
        found.append({
            "address": address, "domain": sender.domain, "signed": ", ".join(sorted({s.algorithm.partition("-")[0].upper() for s in sender.signers})),
            "row": row.pk if row else 0, "checks": dns_rows.open_ones(row) if row else [], "checked_at": row.checked_at if row else None,
        })  # fmt: skip
    return found


def _window(planned: plan.Plan) -> str:
    if planned.hours is None:
        return ""
    days = " · ".join(str(SHORT[day]) for day in WEEK if day in planned.hours.days)
    hours = "" if planned.hours.start == planned.hours.end else f"{planned.hours.start:%H:%M}–{planned.hours.end:%H:%M}"
    return " ".join(filter(None, (days, hours)))


def _days(planned: plan.Plan, n: int) -> int:
    """How many days a warm-up takes for so many people."""
    if not planned.first:
        return 0
    day = 0
    while n > 0 and day < 400:
        n -= planned.limit(day)
        day += 1
    return day
