"""Campaigns in words: their states, the numbers of their reports, why somebody was left out or a mail came back."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from baton.messaging import outbox
from baton.messaging.campaigns import states
from baton.messaging.incoming import bounces
from baton.messaging.models import Campaign

STATES: dict[str, tuple[str | Promise, str]] = {  # label, tone
    states.DRAFT: (gettext_lazy("Draft"), "outline"),
    states.SCHEDULED: (gettext_lazy("Scheduled"), "accent"),
    states.PREPARING: (gettext_lazy("Being prepared"), "accent"),
    states.TESTING: (gettext_lazy("A/B test runs"), "accent"),
    states.SENDING: (gettext_lazy("Being sent"), "accent"),
    states.PAUSED: (gettext_lazy("Paused"), "warn"),
    states.DONE: (pgettext_lazy("campaign", "Sent"), "good"),
    states.CANCELLED: (gettext_lazy("Cancelled"), "outline"),
}
WHATS: dict[str, str | Promise] = {
    "all": gettext_lazy("Audience"),
    "sent": gettext_lazy("Handed over"),
    "delivered": gettext_lazy("Delivered"),
    "bounced": gettext_lazy("Came back"),
    "unknown": gettext_lazy("May have arrived"),
    "skipped": gettext_lazy("Left out"),
    "cancelled": gettext_lazy("Not sent: cancelled"),
    "deferred": gettext_lazy("Put off by the receiver"),
    "waiting": gettext_lazy("Waiting"),
    "not_opened": gettext_lazy("Did not open it"),
    "opened": gettext_lazy("Opened it"),
    "clicked": gettext_lazy("Clicked"),
    "machine_opened": gettext_lazy("Opened by programs only"),
    "machine_clicked": gettext_lazy("Clicked by programs only"),
    "unsubscribed": gettext_lazy("Unsubscribed"),
    "complained": gettext_lazy("Reported it as spam"),
    "replied": gettext_lazy("Answered"),
    "auto_replied": gettext_lazy("Automatic answers"),
    "converted": gettext_lazy("Reached the goal"),
    "forms": gettext_lazy("Sent a form"),
    "meetings": gettext_lazy("Had a meeting"),
    "deals": gettext_lazy("New deals"),
    "won": gettext_lazy("Deals won"),
}
OF_MESSAGES: dict[str, str | Promise] = {  # states of one person's message, on his page and in files
    "sent": gettext_lazy("Delivered"),
    "delivered": gettext_lazy("Delivered"),
    "bounced": gettext_lazy("Came back"),
    "failed": gettext_lazy("Came back"),
    "unknown": gettext_lazy("May have arrived"),
    "skipped": gettext_lazy("Left out"),
    "cancelled": gettext_lazy("Cancelled"),
    "waiting": gettext_lazy("Waiting"),
}
PLACES = {
    "gmail": "Gmail", "naver": gettext_lazy("Naver"), "daum": gettext_lazy("Daum and Kakao"), "nate": gettext_lazy("Nate"), "outlook": "Outlook.com",
    "yahoo": "Yahoo", "icloud": "iCloud",
}  # fmt: skip


def state(campaign: Campaign) -> tuple[str, str]:
    """Its state and the tone of its badge."""
    label, tone = STATES.get(campaign.state, (campaign.state, "outline"))
    return str(label), tone


def what(key: str) -> str:
    return str(WHATS.get(key, key))


def of_message(state: str) -> str:
    return str(OF_MESSAGES.get(state, _("Being sent")))


def reason(code: str) -> str:
    """Why somebody got nothing, or why it came back; a receiver's own words come back as they are."""
    return str(bounces.REASONS.get(code) or outbox.REASONS.get(code) or code)


def place(name: str) -> str:
    """A group of receivers: a mail provider by its name, or a domain; "" all others."""
    return str(PLACES.get(name, name)) if name else _("Other domains")
