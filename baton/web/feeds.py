"""What an open page is told, by kind of topic: each feed knows what its page has seen and renders only what is new."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from django.template.loader import render_to_string

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.automation.models import Workflow
from baton.crm.models import Contact, Record
from baton.messaging.campaigns import check, reports, states
from baton.messaging.colleagues import notify
from baton.messaging.models import Campaign, Notification
from baton.platform.config import config
from baton.web.parts import campaign_board, verdict, workflow_canvas

STILL = " data-still"  # a part without this mark is tinted for a moment when it appears
TEST_PAUSE = 10.0  # least seconds between two looks at an A/B test
ALERTS = 3  # shown at once after a pause; the rest are on the notifications page


@dataclass(frozen=True, slots=True)
class Piece:
    """HTML made of `<hx-partial>`s, or the name of an event for the page's own elements to listen to."""

    html: str = ""
    event: str = ""
    id: int | None = None  # comes back as Last-Event-ID when the page reconnects


class Feed(ABC):
    """One topic of one open page. Methods run in a thread with the user's language active."""

    pause: ClassVar[float] = 0.0  # least seconds between two pieces

    def __init__(self, user: User, name: str, since: int | None) -> None:
        self.user = user
        self.name = name  # what follows the colon of the topic
        self.since = since  # the newest notification that the page has seen

    @classmethod
    def understands(cls, name: str) -> bool:
        return name.isascii() and name.isdigit() and len(name) < 19

    @classmethod
    @abstractmethod
    def allowed(cls, user: User, name: str) -> bool: ...

    def first(self) -> list[Piece]:
        """What a page that just connected should be told."""
        return []

    @abstractmethod
    def news(self) -> list[Piece]:
        """What changed since the last piece; may be nothing."""


class UserFeed(Feed):
    """Alerts for a colleague and the number of unread ones."""

    def __init__(self, user: User, name: str, since: int | None) -> None:
        super().__init__(user, name, since)
        self.last = since if since is not None else newest(user)

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        return user.pk == int(name)

    def first(self) -> list[Piece]:
        return self.news()

    def news(self) -> list[Piece]:
        fresh = list(Notification.objects.filter(user_id=self.user.pk, id__gt=self.last).order_by("-id")[:ALERTS])[::-1]
        if fresh:
            self.last = fresh[-1].id
            verdict.ask(fresh)
        html = render_to_string("live/alerts.html", {"notices": [linked(n) for n in fresh if n.read_at is None], "unread": notify.unread(self.user.pk)})
        return [Piece(html, id=self.last)]


class WorkflowFeed(Feed):
    """The counts on the steps of a workflow, its key numbers and its log."""

    pause = 1.0

    def __init__(self, user: User, name: str, since: int | None) -> None:
        super().__init__(user, name, since)
        self._shown: dict[str, str] = {}

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        return permissions.can(user, "workflows", "view") and Workflow.objects.filter(pk=int(name)).exists()

    def first(self) -> list[Piece]:
        return self._changed()

    def news(self) -> list[Piece]:
        return self._changed(STILL)

    def _changed(self, marked: str = "") -> list[Piece]:
        parts = workflow_canvas.live_parts(Workflow.objects.select_related("published").get(pk=int(self.name)), rights.of(self.user))
        fresh = {target: html for target, html in parts.items() if self._shown.get(target) != html}
        self._shown = parts
        html = "".join(f'<hx-partial hx-target="#{target}" hx-swap="outerHTML">{html.replace(marked, "")}</hx-partial>' for target, html in fresh.items())
        return [Piece(html)] if html else []


class CampaignFeed(Feed):
    """How far a campaign is, its key numbers, and how its A/B test stands: that now and then, and as soon as the campaign goes over into another state.

    While it is written: the event `campaign-counted` when it was changed or counted; the page asks again for its numbers.
    """

    pause = 1.0

    def __init__(self, user: User, name: str, since: int | None) -> None:
        super().__init__(user, name, since)
        self._shown: dict[str, str] = {}
        self._test: dict[str, str] = {}
        self._state, self._test_due = "", 0.0
        self._written: tuple[object, ...] = ()  # while it is written: what the page has heard of

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        return permissions.can(user, "emails", "view") and Campaign.objects.filter(pk=int(name)).exists()

    def first(self) -> list[Piece]:
        return self.news()

    def news(self) -> list[Piece]:
        campaign = Campaign.objects.filter(pk=int(self.name)).first()
        if campaign is None:
            return []
        if self._written or campaign.state in states.CHANGEABLE:
            before, self._written = self._written, (campaign.state, campaign.updated_at, check.heard(campaign))
            return [Piece(event="campaign-counted")] if self._written != before else []
        numbers = reports.numbers([campaign.pk])[campaign.pk]
        may_edit = permissions.can(self.user, "emails", "edit")
        parts = campaign_board.live_parts(campaign, numbers, may_edit=may_edit) | self._standing(campaign, may_edit)
        fresh = {target: html for target, html in parts.items() if self._shown.get(target) != html}
        self._shown = parts
        html = "".join(f'<hx-partial hx-target="#{target}" hx-swap="outerHTML">{html}</hx-partial>' for target, html in fresh.items())
        return [Piece(html)] if html else []

    def _standing(self, campaign: Campaign, may_edit: bool) -> dict[str, str]:
        """The A/B test. It reads every message of the test: a page may take a twentieth of the time for it."""
        began = time.monotonic()
        if campaign.state != self._state or began >= self._test_due:
            self._test, self._state = campaign_board.live_test(campaign, may_edit=may_edit), campaign.state
            self._test_due = (now := time.monotonic()) + max(TEST_PAUSE, 20 * (now - began))
        return self._test


class ContactFeed(Feed):
    """Says that a contact changed; the page asks again for the parts it shows."""

    pause = 1.0

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        owner = Contact.objects.filter(id=int(name)).values_list("owner_id", flat=True)[:1]
        return rights.of(user).may("contact", "view", owner)

    def news(self) -> list[Piece]:
        return [Piece(event="record-changed")]


class RecordFeed(Feed):
    """Says the same of a company, deal, ticket or any other record, to those who may view it."""

    pause = 1.0

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        found = Record.objects.filter(id=int(name)).values_list("object_type", "owner_id").first()
        return found is not None and rights.of(user).may(found[0], "view", [found[1]])

    def news(self) -> list[Piece]:
        return [Piece(event="record-changed")]


class DemoFeed(Feed):
    """Says that the mail catcher of the sample company has a new mail."""

    pause = 0.5

    @classmethod
    def understands(cls, name: str) -> bool:
        return name == "mail"

    @classmethod
    def allowed(cls, user: User, name: str) -> bool:
        return config().demo

    def news(self) -> list[Piece]:
        return [Piece(event="mail-changed")]


FEEDS: dict[str, type[Feed]] = {
    "user": UserFeed, "workflow": WorkflowFeed, "campaign": CampaignFeed, "contact": ContactFeed, "record": RecordFeed, "demo": DemoFeed,
}  # fmt: skip


def newest(user: User) -> int:
    """The id of the user's newest notification, or 0."""
    return Notification.objects.filter(user_id=user.pk).order_by("-id").values_list("id", flat=True).first() or 0


def linked(notice: Notification) -> Notification:
    """The notification with `link`: its own address, else its contact's, else empty."""
    contact = f"/contacts/{notice.contact_id}/" if notice.contact_id else ""
    notice.link = notice.url if notice.url.startswith("/") and not notice.url.startswith("//") else contact  # type: ignore[attr-defined]  # for templates
    return notice
