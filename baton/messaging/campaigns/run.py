"""What falls due with campaigns, whoever is at his desk: they begin, their audience is frozen, turns that passed are given anew, tests are decided, they end.

Everything here is done again without harm: what is to be done is read from the state, and the state changes in the transaction that does it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import OperationalError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.messaging.campaigns import ab, audience, freeze, pace, ready, states
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.messaging.models import Campaign, Email, Variant
from baton.messaging.sending import chunks
from baton.platform import clock, history, logs, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.platform.models import BUCKETS

PARTS = 40  # chunks of a bucket of a cancelled campaign that go at a time

# What waits for a sender, or for a receiver who put it off.
LEFT = """
SELECT EXISTS (SELECT 1 FROM campaign_chunk WHERE campaign_id = %(campaign)s AND variant <> ''),
    EXISTS (SELECT 1 FROM campaign_chunk WHERE campaign_id = %(campaign)s AND variant = ''),
    EXISTS (SELECT 1 FROM outbox WHERE campaign_id = %(campaign)s)
"""
PUT_OFF = """
WITH gone AS (
    DELETE FROM outbox WHERE campaign_id = %(campaign)s AND (leased_until IS NULL OR leased_until <= %(now)s) RETURNING contact_id, message_id
), made AS (
    UPDATE message m SET state = CASE WHEN m.state = 'handing' THEN 'unknown' ELSE 'cancelled' END,
        reason = CASE WHEN m.state = 'handing' THEN 'interrupted' ELSE '' END, undelivered_at = CASE WHEN m.state = 'handing' THEN %(now)s::timestamptz END
    FROM gone g
    WHERE m.contact_id = g.contact_id AND m.id = g.message_id AND m.state IN ('queued', 'claimed', 'handing') RETURNING m.contact_id, m.variant, m.state
), summed AS (
    INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
    SELECT s.bucket, nextval('message_id_seq'), %(campaign)s, s.variant, w.state, '', s.n * w.sign
    FROM (SELECT m.contact_id %% %(buckets)s AS bucket, m.variant, m.state, count(*) AS n FROM made m GROUP BY 1, 2, 3) s
    CROSS JOIN LATERAL (VALUES ('queued', -1), (s.state, 1)) AS w(state, sign)
)
SELECT count(*) FROM gone
"""
# What a sender that died in the midst of a chunk had on the wire.
ON_THE_WIRE = """
SELECT m.contact_id, m.id FROM campaign_chunk k CROSS JOIN unnest(k.contact_ids) AS p(contact_id)
JOIN message m ON m.contact_id = p.contact_id AND m.cause = %(cause)s AND m.channel = %(channel)s AND m.state = 'handing'
WHERE k.campaign_id = %(campaign)s AND k.leased_until <= %(now)s
"""

_log = logs.log(__name__)


def due() -> int:
    """One round over all campaigns that are not over; returns how many things were done. For a steady task of the worker."""
    now = clock.now()
    open_ = list(Campaign.objects.filter(state__in=(states.SCHEDULED, *states.SENDS)).values_list("pk", "state", "due_at"))
    done = _each((pk for pk, state, due_at in open_ if state == states.SCHEDULED and due_at is not None and due_at <= now), _begin_due)
    done += _each((pk for pk, state, _due_at in open_ if state in states.SENDS), _go_on)
    cancelled = [row[0] for row in sql.rows(CANCELLED)]
    return done + _each(cancelled, clear)


CANCELLED = """
SELECT c.id FROM campaign c WHERE c.state = 'cancelled' AND (
    EXISTS (SELECT 1 FROM campaign_chunk k WHERE k.campaign_id = c.id) OR EXISTS (SELECT 1 FROM outbox o WHERE o.campaign_id = c.id))
"""


def prepare() -> int:
    """Freeze the audience of every campaign that waits for it; returns how many were. For a steady task of its own, since one may take half a minute."""
    waiting = list(Campaign.objects.filter(state=states.PREPARING, started_at=None).order_by("due_at").values_list("pk", flat=True))
    return _each(waiting, _prepare)


def begin(campaign: Campaign, actor: Actor) -> None:
    """Let it begin, in the caller's transaction, who holds the row: the versions of its mails are fixed. Raises Invalid with what is missing."""
    if problems := ready.problems(campaign):
        raise Invalid(problems)
    variants = list(Variant.objects.filter(campaign=campaign))
    mails = Email.objects.in_bulk({v.email_id for v in variants})
    for variant in variants:
        variant.version = mails[variant.email_id].version
    Variant.objects.bulk_update(variants, ["version"])
    now = clock.now()
    if states.move(campaign.pk, (*states.CHANGEABLE, states.PAUSED), states.PREPARING, due_at=campaign.due_at or now, stopped_for=""):
        history.record(actor, "started", "campaign", campaign.pk, versions={v.key: [v.email_id, v.version] for v in variants})


def give_rest(campaign: Campaign, key: str, actor: Actor, *, why: str = "", winner: str = "") -> None:
    """The rest of the audience gets variant `key` ("even": each a part), in the caller's transaction, who holds the row."""
    standing, now = ab.standing(campaign), clock.now()
    keys = [side.key for side in standing.sides]
    sql.run(
        "UPDATE campaign_chunk SET variant = (%s::text[])[1 + (id %% %s)::int] WHERE campaign_id = %s AND variant = ''",
        [keys if key == "even" else [key], len(keys) if key == "even" else 1, campaign.pk],
    )
    result = {"winner": winner, "given": key, "why": why, "by": str(actor), "at": now.isoformat()}
    result["counts"] = {side.key: [side.rate.k, side.rate.n] for side in standing.sides}  # type: ignore[assignment]  # plain JSON
    campaign.test = {**campaign.test, "result": result}
    states.move(campaign.pk, (states.TESTING,), states.SENDING, test=campaign.test)
    pace.give(campaign)
    history.record(actor, "decided", "campaign", campaign.pk, winner=winner, given=key, why=why, counts=result["counts"])
    sql.run("NOTIFY baton_outbox")


def clear(campaign_id: int) -> int:
    """What is left of a cancelled campaign becomes messages that say so; what a sender has this moment waits. Returns how many chunks and messages went."""
    campaign = Campaign.objects.get(pk=campaign_id)
    asked = {"campaign": campaign_id, "now": clock.now(), "buckets": BUCKETS}
    more = {"cause": freeze.cause(campaign_id), "channel": campaign.channel, "email": campaign.email_id, "most": PARTS}
    with transaction.atomic():
        chunks.interrupted(campaign_id, sql.rows(ON_THE_WIRE, {**asked, **more}))
    gone = int(sql.rows(PUT_OFF, asked)[0][0])
    for (bucket,) in sql.rows("SELECT DISTINCT bucket FROM campaign_chunk WHERE campaign_id = %s", [campaign_id]):
        gone += int(sql.rows(sql.load("unsend", __package__), {**asked, **more, "bucket": bucket})[0][0])
    if gone:
        states.tell(campaign_id)
    return gone


def _begin_due(campaign_id: int) -> int:
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().filter(pk=campaign_id, state=states.SCHEDULED, due_at__lte=clock.now()).first()
        if campaign is None:
            return 0
        try:
            begin(campaign, SYSTEM)
        except Invalid as error:
            stop(campaign, "not_ready", error.problems[0].message)
    return 1


def _prepare(campaign_id: int) -> int:
    campaign = Campaign.objects.get(pk=campaign_id)
    if audience.being_found(campaign):  # nobody knows yet whom it is for
        return 0
    return 0 if freeze.freeze(campaign_id) is None else 1


def _go_on(campaign_id: int) -> int:
    """Give turns that passed anew, decide a test whose time is over, end what is through."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(skip_locked=True).filter(pk=campaign_id, state__in=states.SENDS).first()
        if campaign is None:
            return 0
        if pace.give(campaign, passed=True) + pace.keep_hours(campaign):
            return 1
        [(chunks, rest, put_off)] = sql.rows(LEFT, {"campaign": campaign.pk})
        if chunks:
            return 0
        if rest and campaign.state == states.TESTING:
            return _test(campaign)
        if rest or put_off:
            return 0
        states.move(campaign.pk, states.SENDS, states.DONE, ended_at=clock.now())
        history.record(SYSTEM, "finished", "campaign", campaign.pk, people=campaign.people)
        _tell(campaign, "done")
    return 1


def _test(campaign: Campaign) -> int:
    """The test mails are out: note when, wait, then let the numbers say which variant the rest gets."""
    if not campaign.test.get("sent_at"):
        campaign.test = {**campaign.test, "sent_at": clock.now().isoformat()}
        Campaign.objects.filter(pk=campaign.pk).update(test=campaign.test)
        states.tell(campaign.pk)
        return 1
    if not ab.over(campaign):
        return 0
    standing = ab.standing(campaign)
    otherwise = str(campaign.test.get("otherwise") or standing.sides[0].key)
    if standing.better:
        give_rest(campaign, standing.better, SYSTEM, winner=standing.better)
    elif otherwise == "ask":
        if campaign.test.get("asked"):
            return 0
        campaign.test = {**campaign.test, "asked": clock.now().isoformat()}
        Campaign.objects.filter(pk=campaign.pk).update(test=campaign.test)
        _tell(campaign, "ask")
    else:
        give_rest(campaign, otherwise, SYSTEM, why=standing.why)
    return 1


def stop(campaign: Campaign, why: str, text: str = "") -> None:
    """Baton itself pauses a campaign, in the caller's transaction, and tells who made it."""
    if states.move(campaign.pk, (states.SCHEDULED, states.PREPARING, *states.SENDS), states.PAUSED, stopped_for=why):
        history.record(SYSTEM, "paused", "campaign", campaign.pk, why=why, text=text)
        _tell(campaign, "stopped", text)


def _tell(campaign: Campaign, what: str, text: str = "") -> None:
    """A notice to whoever made the campaign."""
    maker = Actor.parse(campaign.created_by)
    if maker.kind != "user" or maker.id is None:
        return
    with translation.override(config().language):
        titles = {
            "done": _("Campaign sent: {name}"),
            "stopped": _("Campaign stopped: {name}"),
            "ask": _("The A/B test found no difference: choose what the rest gets. {name}"),
        }
        cause = f"campaign:{campaign.pk}:{what}:{_minute(clock.now())}"
        notify.many([Notice(maker.id, cause, titles[what].format(name=campaign.name), text, f"/campaigns/{campaign.pk}/")])


def _minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _each(ids: Iterable[int], work: Callable[[int], int]) -> int:
    """Do it for each; one that fails is logged and holds up nobody else."""
    done = 0
    for campaign_id in ids:
        try:
            done += work(campaign_id)
        except OperationalError:
            raise
        except Exception:
            _log.exception("a campaign could not go on", campaign=campaign_id)
    return done
