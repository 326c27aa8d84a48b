"""The senders, woken by NOTIFY baton_outbox; the reminders of tasks; what colleagues are told about their leads; and what forms ask to be mailed."""

from baton.events.vocabulary import Kind
from baton.forms import consents
from baton.messaging.campaigns import jobs as campaigns  # noqa: F401  # its steady tasks are known from here
from baton.messaging.campaigns import report_counts
from baton.messaging.colleagues import alerts, answers, reminders, told
from baton.messaging.consent import notices, opt_in, subscribing, subscriptions
from baton.messaging.consent.movers import verbs as movers  # noqa: F401  # its jobs
from baton.messaging.deliverability.jobs import campaign_brake  # noqa: F401  # likewise, with the others there
from baton.messaging.incoming import imap, inbound, reading, replies
from baton.messaging.sending import delivery
from baton.messaging.sending.jobs import receiver_domains  # noqa: F401  # likewise
from baton.platform import changes, jobs
from baton.platform.changes import Batch, Change
from baton.segments.handover import TOUCHES
from baton.segments.verdicts import SQL


@jobs.drain("outbox")
def outbox() -> int:
    return delivery.deliver()


@changes.on_change(order=60)
def of_leads(batch: Batch, unseen: list[Change]) -> None:
    """Tell the owners of leads, within the tick that follows what happened."""
    if arrived := {c.contact_id for c in unseen if c.kind == "stage" and c.key == SQL}:
        alerts.became_sql(arrived)
    if touched := _did(unseen, *TOUCHES):
        alerts.touched(touched)
    if answered := _did(unseen, Kind.EMAIL_REPLY):
        replies.tell(answered)
    if back := _did(unseen, Kind.PAUSE_ENDED):
        alerts.came_back(back)
    if visited := _did(unseen, Kind.PAGE_VIEW):
        alerts.revisited(visited)


@changes.on_change(order=60)
def of_forms(batch: Batch, unseen: list[Change]) -> None:
    """Ask those who agreed in a form whether it was they, and tell colleagues of answers."""
    for change in unseen:
        if change.kind == consents.CHANGE:
            opt_in.ask.defer(contact_id=change.contact_id, id=int(change.key))
        elif change.kind == consents.AGREED:
            type_id, _, channel = change.key.partition(":")
            subscribing.as_agreed(change.contact_id, int(type_id), channel)
    if sent := _did(unseen, Kind.FORM_SUBMISSION):
        answers.tell(sent)


@changes.on_change(order=60)
def of_consents(batch: Batch, unseen: list[Change]) -> None:
    """Who agreed or refused is owed word of it."""
    notices.owe({(c.contact_id, c.key.removeprefix("consent.")) for c in unseen if c.kind == "property" and c.key.startswith("consent.")})


@jobs.every("* * * * *")
def news_ends() -> None:
    """Agreements to kinds of news whose time is over: lists and workflows hear of it within a minute."""
    while subscriptions.end_expired():
        pass


def _did(unseen: list[Change], *kinds: Kind) -> set[int]:
    begin = tuple(f"{int(kind)}:" for kind in kinds)
    return {c.contact_id for c in unseen if c.kind == "event" and c.key.startswith(begin)}


@jobs.every("* * * * *")
def tasks_due() -> None:
    """Tell colleagues of the tasks that fall due, and of the leads that wait too long for a verdict."""
    reminders.remind()
    alerts.overdue()


@jobs.every("* * * * *")
def campaign_counts() -> None:
    """What people did with the campaigns that are young enough to change."""
    report_counts.count_due()


@jobs.drain("told")
def tell_owners() -> int:
    """Imports and exports that ended."""
    return told.tell()


@jobs.every("*/10 * * * *")
def notices_due() -> None:
    """The law's notices: learn what became of those that were mailed, and mail those that are due."""
    while notices.learn():
        pass
    while notices.send() == notices.BATCH:
        pass


@jobs.every("40 3 * * *")
def confirmations_due() -> None:
    """Agreements that are about to be two years old."""
    while notices.confirm() == notices.BATCH:
        pass


@jobs.drain("inbound")
def inbound_mails() -> int:
    """Bounces, complaints, answers, and what providers say."""
    return inbound.take(reading.read)


@jobs.every("* * * * *")
def mailboxes() -> None:
    """Look into the mailboxes that are read by IMAP, and again at what came too early."""
    imap.poll()
    inbound.take(reading.read, early=True)


@jobs.every("25 4 * * *")
def expire_inbound() -> None:
    """What came in and was read long ago goes."""
    inbound.expire()
