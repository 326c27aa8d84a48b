"""The standard event names: the words that all packages share. Numbers are stored; never reuse one."""

from enum import IntEnum


class Kind(IntEnum):
    PAGE_VIEW = 1  # key: host/path; payload: url, title, referrer
    PAGE_DWELL = 2  # same key row as the view; value: visible seconds; ts and id follow the view, so one row a view
    CTA_CLICK = 3  # key: the CTA's name; payload: url, page
    DOWNLOAD = 4  # key: file address; payload: page
    FORM_SUBMISSION = 5  # key: form id; payload: submission, page
    IDENTIFIED = 6  # payload: by (form, email_click, api), views joined
    FORM_VIEW = 7  # key: form id, or the name of a form that is not Baton's; payload: page, version
    FORM_START = 8  # the first field was touched; as FORM_VIEW
    FORM_ABANDON = 9  # started, left without sending; payload: page, field (the last one touched; never what was typed)
    EMAIL_SENT = 10  # key: e-mail id; payload: message
    EMAIL_OPEN = 11  # key: e-mail id; payload: message, campaign (if it is of one), machine (why, when not a person)
    EMAIL_CLICK = 12  # key: e-mail id; payload: message, campaign, url, machine
    EMAIL_BOUNCE = 13  # key: e-mail id; payload: message, class (hard, soft), reason, code
    EMAIL_UNSUBSCRIBE = 14
    PAGE_SCROLL = 15  # same key row as the view; value: deepest percent; ts and id follow the view, so one row a view
    OUTBOUND_CLICK = 16  # key: address on somebody else's site; payload: page, text
    VIDEO_WATCHED = 17  # key: the video ("youtube:<id>", "vimeo:<id>", file address); value: percent seen, growing; payload: page, seconds, duration
    TRACKING_CHOICE = 18  # key: granted, refused; payload: page, version, language (the proof of what was asked)
    LINK_CLICK = 19  # key: id of a short link; payload: url, medium (link, qr)
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
    ATTENDED = 47  # a webinar, seminar or fair; key: its name; value: minutes; payload: import, occasion
    SAID_WHO = 48  # the site's own code said who its visitor is; payload: email, properties (identity.py believes it as far as it is safe)
    EMAIL_COMPLAINT = 50  # key: e-mail id; payload: message, kind (abuse, fraud ...)
    EMAIL_REPLY = 51  # key: e-mail id; payload: message, subject, text (what was written above the quotation)
    EMAIL_AUTO_REPLY = 52  # key: e-mail id; payload: message, subject: out of office, or a program's answer
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
        Kind.FORM_START,
        Kind.FORM_SUBMISSION,
        Kind.OUTBOUND_CLICK,
        Kind.VIDEO_WATCHED,
        Kind.LINK_CLICK,
        Kind.EMAIL_OPEN,
        Kind.EMAIL_CLICK,
        Kind.EMAIL_REPLY,
        Kind.CALL,
        Kind.MEETING,
        Kind.ATTENDED,
        Kind.CUSTOM_EVENT,
    }
)

_SAME_KEY = {
    Kind.PAGE_DWELL: Kind.PAGE_VIEW,
    Kind.PAGE_SCROLL: Kind.PAGE_VIEW,
    Kind.FORM_VIEW: Kind.FORM_SUBMISSION,
    Kind.FORM_START: Kind.FORM_SUBMISSION,
    Kind.FORM_ABANDON: Kind.FORM_SUBMISSION,
}


def key_kind(kind: Kind) -> Kind:
    """The kind under which event_key holds what a kind is about: a dwell shares the row of its page, a form's view the row of its answers."""
    return _SAME_KEY.get(kind, kind)
