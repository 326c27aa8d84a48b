"""What a rehearsal found, in words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.web.templatetags.fmt import num

ENDS = {
    "active": lambda: _("still inside"),
    "queued": lambda: _("waits to begin"),
    "finished": lambda: _("came through"),
    "goal": lambda: _("reached the goal"),
    "removed": lambda: _("taken out"),
    "superseded": lambda: _("begun anew"),
    "failed": lambda: _("stopped by a failure"),
}
WAYS = {
    "yes": lambda: _("Yes"),
    "no": lambda: _("No"),
    "skipped": lambda: _("passed over"),
    "waiting": lambda: _("waits"),
    "failed": lambda: _("failed"),
    "left": lambda: _("left early"),
    "other": lambda: _("other"),
}
REASONS = {
    "goal": lambda: _("the goal"),
    "suppressed": lambda: _("joined a list that is kept out"),
    "consent": lambda: _("no consent any more"),
    "reply": lambda: _("answered a mail"),
    "archived": lambda: _("archived"),
    "superseded": lambda: _("a new run began"),
}


def ended(state: str) -> str:
    return ENDS[state]() if state in ENDS else state


def way(word: str) -> str:
    return WAYS[word]() if word in WAYS else word.upper() if len(word) == 1 else word


def reason(word: str) -> str:
    return REASONS[word]() if word in REASONS else word


def note(word: str, titles: Mapping[str, str]) -> str:
    """What to know beside the numbers; "" when there is nothing to say."""
    what, _colon, more = word.partition(":")
    match what:
        case "today":
            return _("Events, properties, lists, consent and records are read as they were at each moment; scores are read as of today.")
        case "most":
            return _("More people would have entered: only the first {n} are led.").format(n=num(20_000))
        case "unknown":
            return _("Whom “{trigger}” would have enrolled in the past is not known.").format(trigger=titles.get(more, more))
        case "instants":
            return _("The rehearsal was ended early: the workflow turns in a circle.")
        case "trouble":
            return _("Lists or scores could not be worked out for somebody: {reason}").format(reason=more)
    return ""


def conflict(one: Mapping[str, Any]) -> dict[str, Any]:
    """A sentence, the workflow it is about, and how grave it is."""
    people, shown, names = one["people"], num(one["people"]), ", ".join(one["with_"])
    match one["kind"]:
        case "mails_day":
            text = ngettext(
                "{shown} person gets more than {n} mails within a day (at most {most}).",
                "{shown} people get more than {n} mails within a day (at most {most}).",
                people,
            )
        case "mails_week":
            text = ngettext(
                "{shown} person gets more than {n} mails within a week (at most {most}).",
                "{shown} people get more than {n} mails within a week (at most {most}).",
                people,
            )
        case "both":
            text = ngettext(
                "{shown} person is led by “{names}” at the same time, which sends mails too.",
                "{shown} people are led by “{names}” at the same time, which sends mails too.",
                people,
            )
        case "enrolls":
            text = ngettext("{shown} person would enter “{names}”.", "{shown} people would enter “{names}”.", people)
        case "property":
            text = _("“{names}” writes the property {about} too.")
        case _:
            text = _("A circle: it comes back to itself through “{names}”.") if names else _("A circle: a step writes {about}, which the trigger waits for.")
    return {
        "text": text.format(shown=shown, n=one["about"], most=one["most"], names=names, about=one["about"]),
        "id": one["ids"][0] if one["ids"] else None,
        "grave": one["kind"] in ("mails_day", "mails_week", "both", "circle"),
    }  # fmt: skip
