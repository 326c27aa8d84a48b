"""The mails that went to many: the quarterly letters, and this season's campaigns."""

from datetime import timedelta

from baton.demo.book import Book
from baton.demo.people import Person

LETTERS = (690, 600, 508, 416, 325, 236, 144, 53)  # days ago, one a quarter
CAMPAIGNS = {"guide": 62, "webinar_invite": 17, "case": 3}
CAMPAIGN_PAGES = {"guide": "/product", "webinar_invite": "/webinar", "case": "/case"}
OTHER_PAGES = ("/pricing", "/blog")  # further links in the foot of every mail


def send(book: Book, person: Person) -> None:
    """Mails that everybody got who agreed: the quarterly letters, and this season's campaigns with the opens and clicks of `hits`."""
    rng, hits, now = book.rng, person.hits, book.now
    if not (person.consent["email"] or hits["optout"]):
        return
    if hits["newsletter"]:
        for number, days in enumerate(LETTERS):
            at = now - timedelta(days=days, minutes=-rng.randrange(40))
            if at < person.created or (hits["optout"] and number > 3):
                continue
            message = book.send(person, at, f"letter{number}", f"campaign:letter{number}")
            if days > 95 and rng.random() < 0.12 + 0.5 * person.warm:
                book.opened(person, at + timedelta(minutes=rng.randint(3, 2000)), f"letter{number}", message)
    if hits["optout"]:
        return
    sent = []
    for email, days in CAMPAIGNS.items():
        at = now - timedelta(days=days, minutes=-rng.randrange(30))
        if at > person.created:
            sent.append((email, at, book.send(person, at, email, f"campaign:{email}")))
    for _ in range(hits["open"] if sent else 0):
        email, at, message = rng.choice(sent)
        book.opened(person, min(at + timedelta(minutes=int(rng.expovariate(1 / 500)) + 1), now - timedelta(minutes=rng.randint(7, 60))), email, message)
    for _ in range(hits["click"] if sent else 0):
        email, at, message = rng.choice(sent)
        at = min(at + timedelta(minutes=int(rng.expovariate(1 / 700)) + 2), now - timedelta(minutes=rng.randint(7, 50)))
        book.clicked(person, at, email, message, (*[CAMPAIGN_PAGES[email]] * 5, *OTHER_PAGES)[message % 7])
