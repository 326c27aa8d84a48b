"""The standard event names: the words that all packages share. Numbers are stored; never reuse one."""

from enum import IntEnum


class Kind(IntEnum):
    PAGE_VIEW = 1  # key: host/path; payload: url, title, referrer
    PAGE_DWELL = 2  # same key row as the view; value: visible seconds; ts and id follow the view, so one row a view
    CTA_CLICK = 3  # key: the CTA's name; payload: url, page
    DOWNLOAD = 4  # key: file address; payload: page
    FORM_SUBMISSION = 5  # key: form id; payload: submission, page
    IDENTIFIED = 6  # payload: by (form, email_click, api), views joined
    EMAIL_SENT = 10  # key: e-mail id; payload: message
    EMAIL_OPEN = 11  # key: e-mail id; payload: message, machine (why, when not a person)
    EMAIL_CLICK = 12  # key: e-mail id; payload: message, url, machine
    EMAIL_BOUNCE = 13
    EMAIL_UNSUBSCRIBE = 14
    SCORE_CHANGED = 20  # value: points added or lost; payload: total, rules [{rule, points}]
    STAGE_CHANGED = 21  # key: new stage; payload: from, to, cause
    SEGMENT_JOINED = 22  # key: segment id
    SEGMENT_LEFT = 23
    VERDICT_GIVEN = 24  # key: the verdict of sales; payload: actor, reason, score, until
    PAUSE_STARTED = 25  # payload: actor, reason, until
    PAUSE_ENDED = 26  # key: time, wake or hand; payload: actor, reason
    WORKFLOW_ENROLLED = 30  # key: workflow id; payload: enrollment, cause
    WORKFLOW_FINISHED = 31  # key: workflow id; payload: enrollment, outcome
    NOTE = 40  # what colleagues wrote down, from here on: payload: record (the activity's id; absent in what programs sent as a bare event)
    CALL = 41  # key: outcome
    MEETING = 42  # key: outcome
    TASK = 43  # done
    EMAIL_LOGGED = 44  # key: direction
    MESSAGE_LOGGED = 45  # key: channel
    CUSTOM_EVENT = 60  # key: name of the EventDefinition; payload: properties

    @property
    def word(self) -> str:
        """The name in filters, in the API and in `changes`: `page_view`."""
        return self.name.lower()


# What a person did, as opposed to what Baton concluded or did: only these count as activity.
HUMAN = frozenset(
    {
        Kind.PAGE_VIEW,
        Kind.PAGE_DWELL,
        Kind.CTA_CLICK,
        Kind.DOWNLOAD,
        Kind.FORM_SUBMISSION,
        Kind.EMAIL_OPEN,
        Kind.EMAIL_CLICK,
        Kind.CALL,
        Kind.MEETING,
        Kind.CUSTOM_EVENT,
    }
)

_SAME_KEY = {Kind.PAGE_DWELL: Kind.PAGE_VIEW}


def key_kind(kind: Kind) -> Kind:
    """The kind under which event_key holds what a kind is about: a dwell shares the row of its page."""
    return _SAME_KEY.get(kind, kind)
