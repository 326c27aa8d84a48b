"""Answers that look like spam, and subscriptions that wait for the click in a mail."""

from datetime import timedelta
from typing import Any

from baton.demo.content import FORMS
from baton.demo.pages import FORM_PAGES, SITE
from baton.demo.sample import Sample
from baton.forms import consents, quarantine, shown
from baton.forms.models import Form, OptIn

WAITING, CONFIRMED = timedelta(days=12), timedelta(days=60)
SPAM: tuple[tuple[str, tuple[str, ...], float, str, dict[str, Any]], ...] = (  # form, reasons, hours ago, network, answer
    ("demo", ("trap", "too_fast", "links"), 5, "198.51.100.0",
     {"lastname": "Cheap", "firstname": "SEO", "email": "rank@top.example", "company": "www.top.example", "message": "1등 보장 https://top.example"}),
    ("demo", ("too_fast",), 27, "203.0.113.0",
     {"lastname": "방", "firstname": "지혁", "email": "jihyeok.bang@saerombuild.example", "company": "새롬건설", "phone": "010-5550-0199",
      "message": "직원 90명, 현장 근태를 보고 싶습니다."}),
    ("demo", ("disposable",), 50, "192.0.2.0", {"lastname": "김", "firstname": "테스트", "email": "test@throwaway.example", "company": "테스트"}),
    ("newsletter", ("no_time", "rate_network"), 61, "198.51.100.0", {"lastname": "a", "firstname": "b", "email": "a1@list.example"}),
    ("whitepaper", ("links",), 130, "198.51.100.0",
     {"lastname": "http://win.example", "firstname": "Bonus", "email": "bonus@win.example", "company": "http://win.example"}),
)  # fmt: skip


def make(sample: Sample) -> None:
    """All of it."""
    for key, reasons, hours, network, values in SPAM:
        form = Form.objects.get(pk=sample.setting.forms[key])
        about = {
            "page_url": f"{sample.book.url}{SITE}{FORM_PAGES[key]}", "page_title": FORMS[key]["name"], "boxes": {"processing": True, "email": True},
            "network": network, "via": "page", "at": sample.now - timedelta(hours=hours),
        }  # fmt: skip
        quarantine.keep(form, shown.to(form), reasons, values, about)
    _opt_ins(sample)


def _opt_ins(sample: Sample) -> None:
    """The newsletter counts after a click in a mail: most clicked, some have not yet."""
    rng, rows = sample.luck("opt-ins"), []
    agreed = {person.id: person.consent["email"] and not person.hits.get("optout") for person in sample.people}
    seen = {one.number: one.definition for one in shown.both(Form.objects.get(pk=sample.setting.forms["newsletter"]))[0]}
    for sent in sample.book.submissions:
        age = sample.now - sent.at
        if sent.form != "newsletter" or age > (CONFIRMED if agreed[sent.contact_id] else WAITING):
            continue
        said = consents.said(seen[sent.version], {"processing": True, "email": True})
        clicked = min(sent.at + timedelta(minutes=rng.randint(1, 90)), sample.now) if agreed[sent.contact_id] else None
        rows.append(
            OptIn(
                contact_id=sent.contact_id, id=sent.id, form_id=sample.setting.forms["newsletter"], version=sent.version, address=sent.values["email"],
                consents=[one for one in said if one["channel"] == "email"], page_url=sent.page, asked_at=sent.at, sent_at=sent.at + timedelta(seconds=1),
                confirmed_at=clicked, asked_from="203.0.113.0", confirmed_from="203.0.113.0" if clicked else "",
            )
        )  # fmt: skip
    OptIn.objects.bulk_create(rows)
