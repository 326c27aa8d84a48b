"""A campaign while it is written: its mail, whom it is for, when and how fast, the A/B test; how many would get it; and the send check with its people."""

from datetime import timedelta
from email.utils import parseaddr
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights, users
from baton.crm.calendar import SHORT, WEEK
from baton.crm.models import Contact
from baton.messaging import exemptions, gate, law, rules
from baton.messaging.campaigns import ab, audience, check, plan, ready, states, steering, verbs
from baton.messaging.deliverability import domains
from baton.messaging.mail import emails, mail_checks
from baton.messaging.models import Campaign, Email, SendingDomain, Variant
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound, Problem
from baton.segments import sizes
from baton.segments.models import Segment

from ..answer import faults, go
from ..page import Page, actor, allow, user
from ..parts import campaign_form, campaign_goal, people
from ..parts import campaign_words as words
from ..parts.campaign_form import Fields
from ..templatetags.fmt import moment

SIZE = 50
TYPED = 10_000  # receivers above which the number is typed
MAILS = 200


class CampaignsSetup(Page):
    key = "campaigns-setup"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("campaigns/<int:pk>/change/", change),
            path("campaigns/<int:pk>/count/", count),
            path("campaigns/<int:pk>/check/", check_page),
            path("campaigns/<int:pk>/check/people/", kept_out),
            path("campaigns/<int:pk>/exempt/", exempt),
            path("campaigns/<int:pk>/send/", send),
        ]


def show(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page of a campaign that may be changed."""
    return render(request, "campaigns/setup.html", _context(request, campaign, campaign_form.of(campaign)))


def _context(request: HttpRequest, campaign: Campaign, fields: Fields, problems: list[Problem] | None = None) -> dict[str, Any]:
    mails = list(Email.objects.filter(archived_at=None, kind="mail").order_by("-updated_at", "-pk")[:MAILS])
    lists = list(Segment.objects.filter(archived_at=None).order_by("name", "pk"))
    days = sizes.history([one.pk for one in lists], days=1)
    known = {one.pk: (one, days[one.pk][-1].members if days[one.pk] else None) for one in lists}
    label, tone = words.state(campaign)
    goal = fields["goal"]
    day, _t, time = str(fields["plan"].get("at") or "").partition("T")
    tomorrow = (clock.now().astimezone(config().zone) + timedelta(days=1)).date().isoformat()
    return {
        "campaign": campaign, "f": fields, "faults": _faults(problems or []), "label": label, "tone": tone,
        "may_edit": permissions.can(request.user, "emails", "edit"),
        "mails": mails, "mail": next((m for m in mails if m.pk == fields["email_id"]), None),
        "lists": known.values(), "chosen": [known[id] for id in fields["audience"].get("lists", []) if id in known],
        "without": [known[id] for id in fields["audience"].get("except", []) if id in known],
        "single": len(fields["audience"].get("contacts") or []),
        "again_of": campaign.again_of,
        "day": day or tomorrow, "time": time or "10:00", "week": [(key, SHORT[key]) for key in WEEK], "workdays": fields["plan"].get("days") or WEEK[:5],
        "window": bool({"days", "from", "to", "holidays"} & fields["plan"].keys()), "warm": fields["plan"].get("warm_up") or {},
        "testing": len(fields["variants"]) > 1,
        "variants": [{"key": key, **row} for key, row in zip(verbs.KEYS, fields["variants"], strict=False)],
        "most_variants": ab.MOST, "least": ab.LEAST,
        "metrics": (("opened", _("Opened it")), ("clicked", _("Clicked"))) + ((("converted", _("Converted")),) if goal else ()),
        **campaign_goal.context(request, campaign.pk, goal, request.POST.get("goal_kind"), problems or []),
    }  # fmt: skip


def _open(pk: int) -> Campaign:
    """The campaign while it may be changed. Raises NotFound, Conflict."""
    return verbs.get(pk)


@require_POST
@allow("emails", "edit")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what the form says and answer it again; faults under their fields."""
    campaign = _open(pk)
    fields = campaign_form.read(request.POST, campaign_form.of(campaign))
    try:
        kept = {"goal": campaign.goal} if campaign_goal.unfinished(fields["goal"]) else {}
        campaign = verbs.change(pk, actor(request), **fields | kept)
    except Invalid as error:
        return render(request, "campaigns/form.html", _context(request, campaign, fields, error.problems), status=422)
    response = render(request, "campaigns/form.html", _context(request, campaign, campaign_form.of(campaign) | {"goal": fields["goal"]}))
    response["HX-Trigger"] = "campaign-changed"
    return response


def _faults(problems: list[Problem]) -> dict[str, str]:
    """By the field of the page: `plan.at` -> plan_at, `variants.b.email_id` -> variants."""
    found: dict[str, str] = {}
    for problem in problems:
        whole = problem.path.replace(".", "_")
        found.setdefault("variants" if problem.path.startswith("variants") else whole, problem.message)
    return found


@require_GET
@allow("emails")
def count(request: HttpRequest, pk: int) -> HttpResponse:
    """How many would get it now and how many not, beside the form."""
    campaign = verbs.get(pk)
    context = {
        "campaign": campaign,
        "may_edit": permissions.can(request.user, "emails", "edit"),
        **_checked(campaign),
        "waiting": audience.being_found(campaign),
    }
    return render(request, "campaigns/count.html", context)


def _checked(campaign: Campaign) -> dict[str, Any]:
    found = check.check(campaign)
    held = exemptions.of(campaign.pk)
    rows = [
        {"code": code, "words": words.reason(code), "n": n, "share": 100 * n / found.total, "may_exempt": code in gate.EXEMPTIBLE,
         "url": f"/campaigns/{campaign.pk}/check/people/?reason={code}"}
        for code, n in found.reasons.items()
    ]  # fmt: skip
    exempted = [{"rule": row.rule, "words": words.reason(row.rule), "reason": row.reason, "basis": row.basis} for row in held]
    return {
        "found": found, "reasons": rows, "waits": [(words.reason(code), n) for code, n in found.waits.items()], "exempted": exempted,
        "getting_share": 100 * found.getting / found.total if found.total else 0, "problems": [problem.message for problem in ready.problems(campaign)],
    }  # fmt: skip


@require_GET
@allow("emails")
def check_page(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The send check: receivers, mail, law and domain, and the button that sends."""
    campaign = verbs.get(pk)
    if campaign.state not in states.CHANGEABLE:
        return redirect(f"/campaigns/{pk}/")
    return render(request, "campaigns/check.html", _check_context(request, campaign))


def _check_context(request: HttpRequest, campaign: Campaign, given: dict[str, str] | None = None) -> dict[str, Any]:
    variants = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    mails = Email.objects.in_bulk({variant.email_id for variant in variants})
    planned = plan.of(campaign.plan) if not plan.problems(campaign.plan) else plan.Plan()
    checked = _checked(campaign)
    label, tone = words.state(campaign)
    return {
        "campaign": campaign, "label": label, "tone": tone, "faults": given or {}, "may_edit": permissions.can(request.user, "emails", "edit"),
        **checked, "typed": checked["found"].getting > TYPED,
        "mails": [_mail(variant, mails[variant.email_id]) for variant in variants if variant.email_id in mails],
        "law": _law(variants, mails), "senders": _senders(mails),
        "plan": planned, "begins": moment(planned.at.replace(tzinfo=config().zone)) if planned.at else "", "window": _window(planned),
        "days": _days(planned, checked["found"].getting),
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
        checks = [(key.upper(), said.get("state", "")) for key, said in (row.checks if row else {}).items() if isinstance(said, dict)]
        found.append(
            {"address": address, "domain": sender.domain, "signed": ", ".join(sorted({s.algorithm.partition("-")[0].upper() for s in sender.signers})),
             "checks": checks, "checked_at": row.checked_at if row else None, "bounces": sender.bounce_host}
        )  # fmt: skip
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


@require_GET
@allow("emails")
def kept_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is behind a reason of the send check (`?reason=`; empty: those who would get it), by contact."""
    campaign = verbs.get(pk)
    reason, asked = request.GET.get("reason", ""), request.GET.get("after", "")
    if reason and reason not in check.check(campaign).reasons:
        raise NotFound(_("There is no such number."))
    after = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
    ids = check.sample(campaign, reason, after=after, limit=SIZE + 1)
    context = {
        "campaign": campaign, "title": words.reason(reason) if reason else _("Would get it"), "rows": rows(request, ids[:SIZE]),
        "next": f"?reason={reason}&after={ids[SIZE - 1]}" if len(ids) > SIZE else "", "back": f"/campaigns/{pk}/check/",
    }  # fmt: skip
    return render(request, "campaigns/kept_out.html", context)


def rows(request: HttpRequest, ids: list[int]) -> list[dict[str, Any]]:
    """People by id, as many as there are ids; whom one may not see has no name."""
    held = rights.of(user(request))
    owners = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
    seen = [id for id in ids if id in owners and held.may("contact", "view", [owners[id]])]
    named = people.named(seen)
    return [{"id": id, "person": named.get(id)} for id in ids]


@require_POST
@allow("emails", "edit")
def exempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a rule of the gate aside for this campaign, with reason and basis; or (`end`) let it hold again."""
    rule = request.POST.get("rule", "")
    if request.POST.get("end"):
        exemptions.end(pk, rule, actor=actor(request))
        return go(f"/campaigns/{pk}/check/")
    try:
        exemptions.grant(pk, rule, reason=request.POST.get("reason", ""), basis=request.POST.get("basis", ""), actor=actor(request))
    except Invalid as error:
        context = {"campaign": verbs.get(pk), "row": {"code": rule, "words": words.reason(rule)}, "given": request.POST, "faults": faults(error)}
        return render(request, "campaigns/exempt_form.html", context, status=422)
    return go(f"/campaigns/{pk}/check/")


@require_POST
@allow("emails", "edit")
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: now, schedule, unschedule. For more than TYPED people the number was typed."""
    what = request.POST.get("do", "")
    if what == "unschedule":
        steering.unschedule(pk, actor(request))
        return go(f"/campaigns/{pk}/")
    campaign = verbs.get(pk)
    try:
        _typed(request, campaign)
        if what == "schedule":
            steering.schedule(pk, actor(request))
            return go(f"/campaigns/{pk}/")
        steering.start(pk, actor(request))
    except Invalid as error:
        return render(request, "campaigns/confirm.html", _check_context(request, campaign, faults(error)), status=422)
    return go(f"/campaigns/{pk}/")


def _typed(request: HttpRequest, campaign: Campaign) -> None:
    getting = check.check(campaign).getting
    if getting <= TYPED:
        return
    said = "".join(letter for letter in request.POST.get("typed", "") if letter.isdecimal())
    shown = request.POST.get("n", "")
    if said != shown or not shown.isdecimal():
        raise Invalid([Problem("typed", "REQUIRED", _("Type how many people get it: {n}").format(n=f"{getting:,}"))])
