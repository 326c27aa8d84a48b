"""Opens and clicks with who probably made them, and those of programs beside: gateways that fetch every link, a privacy service that fetches every picture."""

from datetime import timedelta

from baton.demo import tables
from baton.demo.book import Event
from baton.demo.pages import AGENTS, SITE
from baton.demo.sample import Sample
from baton.events import evidence
from baton.events.vocabulary import Kind
from baton.platform import sql

JUDGED = timedelta(days=45)  # older hits are from before there were reasons
PRIVACY = "Mozilla/5.0"
GATEWAYS = ("Mozilla/5.0 (compatible; Barracuda Sentinel (EE))", "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; Trident/4.0)")
PAGES = ("/case", "/pricing", "/blog")
# Every fortieth mail, always the same ones; those held back during a pause are not sent.
SOME = "SELECT contact_id, id, email_id::text, sent_at, campaign_id FROM message WHERE state = 'sent' AND sent_at > %s AND id %% 40 = 7 ORDER BY id"


def judge(sample: Sample) -> None:
    """Say of the opens and clicks of people that they are theirs, as the collector does."""
    open_, click = ({"human": v.human, "why": list(v.why)} for v in (evidence.weigh(Kind.EMAIL_OPEN, ("read",)), evidence.weigh(Kind.EMAIL_CLICK, ("landed",))))
    plain = {"human": evidence.weigh(Kind.EMAIL_OPEN, ()).human}
    oldest = sample.now - JUDGED
    for event in sample.book.events:
        if event.kind is Kind.EMAIL_OPEN and event.ts > oldest:
            event.payload |= (open_ if event.id % 3 == 0 else plain) | {"ua": AGENTS[event.id % 3]}
        elif event.kind is Kind.EMAIL_CLICK and event.ts > oldest:
            event.payload |= click | {"ua": AGENTS[event.id % 3], "net": f"203.0.113.{event.contact_id % 4 * 64}"}


def fetch(sample: Sample) -> None:
    """What programs did with some mails, seconds after they were sent. It changes no score and no list."""
    rng, found = sample.luck("machines"), []
    names = {str(id): sample.setting.ids.email_names[key] for key, id in sample.setting.emails.items()}
    for contact, message, email, sent, campaign in sql.rows(SOME, [sample.now - JUDGED]):
        at = sent + timedelta(seconds=rng.randint(1, 4))
        if at >= sample.now:
            continue
        if message % 3:  # a gateway follows all links of the mail at once
            agent, why = GATEWAYS[message % 2], (("early", "scanner", "fan_out"), ("early", "fan_out", "old_agent"))[message % 2]
            for page in PAGES:
                said = {
                    "message": message,
                    **({"campaign": campaign} if campaign else {}),
                    "url": f"{sample.book.url}{SITE}{page}",
                    "ua": agent,
                    **evidence.weigh(Kind.EMAIL_CLICK, why).payload(),
                }
                found.append(Event(contact, at, Kind.EMAIL_CLICK, email, names[email], None, {**said, "net": "198.51.100.0"}, rng.getrandbits(52)))
        else:
            said = {
                "message": message,
                **({"campaign": campaign} if campaign else {}),
                "ua": PRIVACY,
                **evidence.weigh(Kind.EMAIL_OPEN, ("early", "privacy")).payload(),
            }
            found.append(Event(contact, at, Kind.EMAIL_OPEN, email, names[email], None, {**said, "net": "192.0.2.0"}, rng.getrandbits(52)))
    tables.events(found)
