"""Fills the database of the clients' tests and prints what they need to know, as JSON. Run as a program."""

import json
from datetime import timedelta

from baton.platform import setup

CONTACTS, COMPANIES, DEALS, TICKETS = 230, 45, 30, 12  # more than two pages of contacts
ACTIVITIES = {"note": 6, "call": 4, "meeting": 3, "task": 5, "email": 2}


def main() -> None:
    setup.django("test")
    from django.db import transaction

    from baton.cli.migrate import migrate

    migrate(quiet=True)
    with transaction.atomic():
        print(json.dumps(fill()))


def fill() -> dict[str, object]:
    """Every number a test relies on is made here."""
    from baton.accounts import tokens, users
    from baton.automation import verbs
    from baton.crm import associations, builtin, consent, records, types
    from baton.crm.associations import Link
    from baton.events import record
    from baton.events.record import NewEvent
    from baton.events.vocabulary import Kind
    from baton.messaging.consent import subscriptions
    from baton.messaging.mail import emails
    from baton.platform import clock
    from baton.platform.actor import SYSTEM

    builtin.ensure()
    users.update_account(actor=SYSTEM, name="누리워크")
    sales = users.create("han@nuriwork.example", "한도윤", "baton-demo", "admin", actor=SYSTEM, team="영업")
    other = users.create("anna@nuriwork.example", "Anna Maria Berg", "baton-demo", "sales", actor=SYSTEM)
    now = clock.now()

    def many(object_type: str, rows: list[dict[str, object]]) -> list[int]:
        made = records.create_many(object_type, rows, actor=SYSTEM, source="import")
        assert all(isinstance(id, int) for id in made), made
        return [id for id in made if isinstance(id, int)]

    companies = many("company", [{"name": f"회사 {n}", "domain": f"c{n}.example", "numberofemployees": n * 10} for n in range(COMPANIES)])
    contacts = many(
        "contact",
        [
            {"email": f"p{n:03d}@c{n % COMPANIES}.example", "firstname": f"이름{n}", "lastname": "김", "owner_id": sales.pk, "lifecyclestage": "mql"}
            for n in range(CONTACTS)
        ],
    )
    consent.set(contacts[:1], "email", True, actor=SYSTEM, source="form:1", wording="마케팅 정보 수신에 동의합니다.")
    deals = many("deal", [{"dealname": f"거래 {n}", "amount": n * 1000, "dealstage": "qualifiedtobuy", "owner_id": other.pk} for n in range(DEALS)])
    tickets = many("ticket", [{"subject": f"문의 {n}", "content": "…", "priority": "high"} for n in range(TICKETS)])
    bodies = {"note": "body", "call": "title", "meeting": "title", "task": "subject", "email": "subject"}
    linked = [Link("contact", contact, "company", companies[n % COMPANIES]) for n, contact in enumerate(contacts)]
    linked += [Link("deal", deal, "contact", contacts[n]) for n, deal in enumerate(deals)]
    linked += [Link("deal", deal, "company", companies[n]) for n, deal in enumerate(deals)]
    linked += [Link("ticket", ticket, "contact", contacts[n]) for n, ticket in enumerate(tickets)]
    for kind, count in ACTIVITIES.items():
        made = many(kind, [{bodies[kind]: f"{kind} {n}", "at": now - timedelta(hours=n), "owner_id": sales.pk} for n in range(count)])
        linked += [Link(kind, id, "contact", contacts[n]) for n, id in enumerate(made)]
    associations.link_many(linked, actor=SYSTEM)
    verbs.create("후속", SYSTEM, {"triggers": [{"id": "t", "type": "manual"}], "steps": [{"id": "s1", "type": "wait", "days": 1}]})
    mail = emails.create("소식", SYSTEM, subject="새 기능", body="<p>안녕하세요</p>").pk
    said = [(Kind.EMAIL_SENT, {}), (Kind.EMAIL_OPEN, {}), (Kind.EMAIL_OPEN, {"machine": "scanner"}), (Kind.EMAIL_CLICK, {"url": "https://nuriwork.example/"})]
    record.add(
        NewEvent(contacts[n], kind, now - timedelta(minutes=n), key_value=str(mail), key_label="소식", payload=payload)
        for n, (kind, payload) in enumerate(said)
    )
    types.define("contract", "계약", "계약", actor=SYSTEM, properties=[{"name": "name", "label": "이름", "type": "text"}])
    many("contract", [{"name": f"계약 {n}"} for n in range(3)])
    return {
        "token": tokens.create("clients", ["*"], limited=False, actor=SYSTEM),
        "portal": users.account().pk,
        "sales": sales.pk,
        "other": other.pk,
        "contacts": contacts,
        "companies": companies,
        "deals": deals,
        "tickets": tickets,
        "mail": mail,
        "news": subscriptions.define({"ko": "뉴스레터", "en": "Newsletter"}, SYSTEM).pk,
    }


if __name__ == "__main__":
    main()
