"""Records that are there twice, as they are in every company's data: for the page of duplicates to find."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from baton.demo.people import Company, Person
from baton.platform import sql

FORMS = ("㈜{}", "{}(주)", "주식회사 {}", "(주){}")
PEOPLE_EACH, FIRMS_EACH = 400, 1000  # contacts for one double


def add(rng: random.Random, firms: list[Company], persons: list[Person], now: datetime) -> None:
    """Let some cold contacts be others once more, with a slip in the address, and some companies come again in another form of their name."""
    known = [firm for firm in firms[1:] if firm.number]
    for number, firm in enumerate(rng.sample(known, min(len(known), max(2, len(persons) // FIRMS_EACH)))):
        again = replace(firm, name=FORMS[number % len(FORMS)].format(firm.name), phone="", created=max(firm.created, now - timedelta(days=60)))
        if number % 2:
            again.number = ""
        else:
            again.domain = ""
        firms.append(again)
    cold = [person for person in persons[1:] if person.hits["silent"] and not any(times for rule, times in person.hits.items() if rule != "silent")]
    quiet = {person.email for person in cold}
    wanted = max(3, len(persons) // PEOPLE_EACH)
    taken = {person.email for person in persons}
    models = [person for person in persons[1:] if person.phone and person.email.endswith(person.company.domain) and person.email not in quiet]
    for person, model in zip(rng.sample(cold, min(wanted, len(cold))), rng.sample(models, min(wanted, len(models))), strict=False):
        address = slip(rng, model.email)
        if address not in taken:
            taken.add(address)
            person.family, person.given, person.email, person.company = model.family, model.given, address, model.company
            person.title, person.rank, person.phone, person.source = model.title, model.rank, rng.choice((model.phone, "")), "exhibition"


def settle(user: int, now: datetime) -> None:
    """A colleague has looked already at those who only have a name and a mail provider in common, and said that they are others."""
    sql.run(
        "UPDATE likeness SET dismissed_at = %s, dismissed_by = %s WHERE dismissed_at IS NULL AND reasons = %s::jsonb",
        [now, f"user:{user}", '["name_domain"]'],
    )


def slip(rng: random.Random, address: str) -> str:
    """An address as it is mistyped: two letters turned round, one left out, or one twice."""
    box, _at, domain = address.partition("@")
    at = rng.choice([at for at in range(1, len(box) - 1) if box[at : at + 2].isalpha() and box[at] != box[at + 1]])
    turned = box[:at] + box[at + 1] + box[at] + box[at + 2 :]
    return f"{rng.choice((turned, box[:at] + box[at + 1 :], box[:at] + box[at] + box[at:]))}@{domain}"
