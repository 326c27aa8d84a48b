"""Does the worker's part on the browser tests' database when it is told to, and catches the mails. A line in, a line of JSON out."""

import json
import os
import re
import sys
import time
from datetime import timedelta
from typing import Any

from baton.platform import setup
from tests.running import PATIENCE

PEOPLE = 5  # of the list who agreed; one more did not


def main() -> None:
    setup.django("test")
    from baton.demo import mail

    os.environ["BATON_SMTP_URL"] = f"smtp://127.0.0.1:{mail.start()}"
    from baton.platform.config import config

    config.cache_clear()
    for line in sys.stdin:
        name, _space, rest = line.strip().partition(" ")
        print(json.dumps(COMMANDS[name](rest)), flush=True)


def prepare(_rest: str) -> Any:
    """The account's facts, a mail and a list."""
    from baton.crm import consent
    from baton.crm.models import Contact
    from baton.messaging.mail import emails
    from baton.platform.actor import SYSTEM
    from baton.segments import verbs

    _account()
    body = '<p>안녕하세요, {{ contact.firstname|default("고객") }} 님.</p><p><a href="https://shop.example/pricing">요금 보기</a></p>'
    emails.create("겨울 소식", SYSTEM, subject="겨울 소식", body=body)
    people = list(Contact.objects.filter(email__startswith="p", archived_at=None).order_by("id").values_list("id", flat=True)[: PEOPLE + 1])
    consent.set(people[:PEOPLE], "email", True, actor=SYSTEM, source="test")
    consent.set(people[PEOPLE:], "email", False, actor=SYSTEM, source="test")
    verbs.add(verbs.create_segment("겨울 고객", {}, "fixed", SYSTEM).pk, people, SYSTEM)
    return len(people)


def _account() -> None:
    from baton.accounts import users
    from baton.platform.actor import SYSTEM

    users.update_account(
        actor=SYSTEM, postal_address="서울특별시 성동구 견본로 12", phone="02-555-0142", contact_email="hello@nuriwork.example", name="누리워크"
    )


def work(_rest: str) -> int:
    """What the worker would do now; how many mails there are."""
    from baton.demo import mail
    from baton.messaging.campaigns import run
    from baton.messaging.sending import delivery

    for _round in range(6):
        done = run.due() + run.prepare()
        if not delivery.deliver() + done:
            break
    return sum("겨울 소식" in one.subject for one in mail.newest())


def check(_rest: str) -> int:
    """Count who would get the campaigns that are being written, as their pages asked; how many campaigns."""
    from baton.messaging.campaigns import check
    from baton.messaging.models import SendCheck

    asked = list(SendCheck.objects.values_list("campaign_id", flat=True))
    for id in asked:
        check.count(campaign_id=id)
    return len(asked)


def links(_rest: str) -> dict[str, str]:
    """Pixel and link of one mail, which has been lying there for a minute."""
    from baton.demo import mail
    from baton.platform import sql

    sql.run("UPDATE message SET sent_at = sent_at - %s WHERE campaign_id IS NOT NULL", [timedelta(minutes=1)])
    found = mail.read(mail.newest()[0].key)
    assert found is not None
    part = found[1].get_body(("html",))
    html = part.get_content() if part else ""
    return {kind: re.search(rf'"(https?://[^"]*/{letter}/[^"]+)"[^>]*{mark}', html)[1] for kind, letter, mark in (("open", "o", ""), ("click", "c", ">요금"))}  # type: ignore[index]  # they are there


def count(rest: str) -> int:
    """Count what people did, as soon as so many opens and clicks have come in."""
    from baton.messaging.campaigns import report_counts
    from baton.messaging.models import Campaign
    from baton.platform import sql

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ((n,),) = sql.rows("SELECT count(*) FROM event WHERE kind IN (11, 12) AND payload ? 'campaign'")
        if n >= int(rest):
            break
        time.sleep(0.05)
    for campaign in Campaign.objects.filter(started_at__isnull=False):
        report_counts.count(campaign)
    return int(n)


def news(_rest: str) -> dict[str, Any]:
    """A mail of one of two kinds of news to somebody who agreed; what its headers and its page lead to."""
    from baton.crm.models import Consent, Contact
    from baton.demo import mail
    from baton.messaging import outbox
    from baton.messaging.consent import subscriptions
    from baton.messaging.mail import emails
    from baton.messaging.models import Email
    from baton.messaging.sending import delivery
    from baton.platform.actor import SYSTEM

    _account()
    letters = subscriptions.define({"ko": "월간 소식", "en": "Monthly letter"}, SYSTEM, descriptions={"ko": "매달 첫 화요일", "en": "On the first Tuesday"})
    talks = subscriptions.define({"ko": "세미나 안내", "en": "Seminars"}, SYSTEM)
    agreed = Consent.objects.filter(channel="email", granted=True).values("contact_id")
    person = Contact.objects.filter(email__startswith="p", archived_at=None, id__in=agreed).order_by("-id")[0]
    made = emails.create("봄 소식", SYSTEM, subject="봄 소식", body="<p>봄입니다.</p>")
    Email.objects.filter(pk=made.pk).update(subscription_id=letters.pk)
    outbox.add([outbox.NewMessage(person.pk, made.pk, "test:news")])
    while delivery.deliver():
        pass
    found = next(read[1] for one in mail.newest() if one.to == person.email and (read := mail.read(one.key)))
    part = found.get_body(("html",))
    page = re.search(r'"(https?://[^"]*/u/[^"]+/preferences)"', part.get_content() if part else "")
    way = re.search(r"<(https?://[^>]+)>", str(found["List-Unsubscribe"]))
    assert page
    assert way
    return {"way": way[1], "centre": page[1], "post": str(found["List-Unsubscribe-Post"]), "person": person.pk, "kinds": [letters.pk, talks.pk]}


def agrees(rest: str) -> dict[str, Any]:
    """What somebody agreed to and receives now, since when, and how many answers of his the ledger has."""
    from baton.crm.models import Consent, ConsentEvent
    from baton.messaging.consent import preferences, subscriptions
    from baton.messaging.models import Suppression

    id = int(rest)
    row, until = Consent.objects.get(contact_id=id, channel="email"), preferences.paused_until(id)
    return {
        "gets": [one.type.pk for one in subscriptions.state(id) if one.gets], "granted": row.granted, "since": row.at.isoformat(), "words": row.wording,
        "paused": until.date().isoformat() if until else "", "stopped": Suppression.objects.filter(contact_id=id).exists(),
        "answers": ConsentEvent.objects.filter(contact_id=id).count(),
    }  # fmt: skip


def undo(rest: str) -> str:
    """The link of the newest mail that tells somebody that he unsubscribed; the queue's work is done first."""
    from django.conf import settings

    from baton.crm.models import Contact
    from baton.demo import mail
    from baton.messaging.consent import opt_in, preferences, subscriptions
    from baton.platform.config import config

    settings.EMAIL_PORT = int(config().smtp_url.rpartition(":")[2])
    row = preferences.refusal(int(rest), None) or next(filter(None, (preferences.refusal(int(rest), kind.pk) for kind in subscriptions.known())))
    opt_in.unsubscribed(contact_id=int(rest), id=row.id)
    address = Contact.objects.get(pk=int(rest)).email
    found = next(read[1] for one in mail.newest() if one.to == address and (read := mail.read(one.key)))
    return str(re.findall(r"https?://\S+/preferences/undo/\S+/", found.get_content())[0])


COMMANDS = {"prepare": prepare, "work": work, "check": check, "links": links, "count": count, "news": news, "agrees": agrees, "undo": undo}

if __name__ == "__main__":
    main()
