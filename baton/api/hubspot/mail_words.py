"""A mail of Baton in HubSpot's words: a marketing e-mail, which is the mail together with the campaign that sends it, if there is one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from baton.api.errors import Failure
from baton.crm.values import stamp
from baton.messaging import mail_counts
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Email, EmailVersion
from baton.platform.actor import Actor

Shape = dict[str, Any]

STATES = {
    "draft": "DRAFT", "scheduled": "SCHEDULED", "preparing": "PROCESSING", "testing": "PROCESSING", "sending": "PROCESSING", "paused": "PROCESSING",
    "done": "PUBLISHED", "cancelled": "PUBLISHED",
}  # fmt: skip
METRICS = {"opened": "OPENS_BY_DELIVERED", "clicked": "CLICKS_BY_DELIVERED", "converted": "CLICKS_BY_DELIVERED"}
WRITTEN = {  # what of a request body is read
    "name", "subject", "from", "to", "content", "language", "subscriptionDetails", "publishDate", "sendOnPublish", "isTransactional", "type", "subcategory",
    "campaign", "businessUnitId", "archived", "state", "activeDomain", "webversion", "folderId", "feedbackSurveyId", "jitterSendTime", "rssData", "testing",
}  # fmt: skip


def bodies(rows: Sequence[Email], *, draft: bool = False, stats: bool = False) -> list[Shape]:
    """Mails as HubSpot shows them; three statements for all. `draft`: as their editors see them."""
    ids = [row.pk for row in rows]
    campaigns = of(ids)
    versions = EmailVersion.objects.filter(email_id__in=ids).order_by("number").values_list("email_id", "published_at", "published_by")
    made = {id: (at, by) for id, at, by in versions}
    counted = mail_counts.counts(ids) if stats else {}
    return [
        _body(row, campaigns.get(row.pk), made.get(row.pk), draft or not row.version) | ({"stats": statistics(counted.get(row.pk, Counter()))} if stats else {})
        for row in rows
    ]


def of(email_ids: Sequence[int]) -> dict[int, Campaign]:
    """The campaign of each mail: the one made last."""
    return {one.email_id: one for one in Campaign.objects.filter(email_id__in=email_ids, archived_at=None).order_by("pk") if one.email_id is not None}


def _body(row: Email, campaign: Campaign | None, made: tuple[Any, str] | None, draft: bool) -> Shape:
    shown = emails.draft(row) if draft else emails.content(row)
    audience = campaign.audience if campaign else {}
    state = STATES[campaign.state] if campaign else "AUTOMATED" if row.version else "DRAFT"
    tested = bool(campaign and campaign.test)
    body: Shape = {
        "id": str(row.pk), "name": row.name, "subject": shown["subject"], "previewText": shown["preheader"],
        "type": "AB_EMAIL" if tested else "BATCH_EMAIL" if campaign or not row.version else "AUTOMATED_EMAIL",
        "state": state, "isPublished": state not in ("DRAFT", "SCHEDULED"), "isTransactional": shown["purpose"] == "transactional", "isAb": tested,
        "archived": row.archived_at is not None, "language": shown["language"], "subcategory": "ab_master" if tested else "batch",
        "sendOnPublish": bool(campaign and not campaign.plan.get("at")),
        "from": {"fromName": shown["from_name"], "replyTo": shown["reply_to"], "customReplyTo": shown["reply_to"]},
        "to": {
            "contactLists": {"include": [str(id) for id in audience.get("lists") or []], "exclude": [str(id) for id in audience.get("except") or []]},
            "contactIlsLists": {"include": [str(id) for id in audience.get("lists") or []], "exclude": [str(id) for id in audience.get("except") or []]},
            "contactIds": {
                "include": [str(id) for id in audience.get("contacts") or []], "exclude": [str(id) for id in audience.get("except_contacts") or []],
            },
            "limitSendFrequency": True, "suppressGraymail": False,
        },
        "content": {
            "flexAreas": {}, "widgets": {}, "widgetContainers": {}, "styleSettings": {}, "smartFields": {}, "themeSettingsValues": {}, "templatePath": None,
            "plainTextVersion": shown["text"], "html": emails.compiled(shown)["body"] if draft and (row.draft or not row.version) else shown["body"],
        },
        "subscriptionDetails": {"subscriptionId": str(shown["subscription_id"]) if shown["subscription_id"] else None},
        "webversion": {"enabled": False}, "campaign": str(campaign.pk) if campaign else None,
        "createdAt": stamp(row.created_at), "updatedAt": stamp(row.updated_at),
    }  # fmt: skip
    if campaign and campaign.due_at:
        body["publishDate"] = stamp(campaign.due_at)
    if made:
        body["publishedAt"] = stamp(campaign.started_at if campaign and campaign.started_at else made[0])
        maker = Actor.parse(made[1])
        body["publishedById"] = str(maker.id or 0)
    if row.archived_at:
        body["deletedAt"] = stamp(row.archived_at)
    if campaign and campaign.test:
        body["testing"] = {
            "abStatus": "MASTER", "abTestPercentage": campaign.test.get("share", 100), "hoursToWait": campaign.test.get("hours", 24),
            "abSuccessMetric": METRICS[campaign.test.get("metric", "opened")],
        }  # fmt: skip
    return body


def statistics(n: Mapping[str, int]) -> Shape:
    """Counters and rates. Opens and clicks are people's; those of programs are in `qualifierStats`."""
    sent, bounce = n.get("handed", 0), n.get("bounce", 0)
    delivered = max(sent - bounce, 0)
    opened, clicked = n.get("opened", 0), n.get("click", 0)
    counters = {
        "sent": sent, "delivered": delivered, "open": opened, "click": clicked, "bounce": bounce, "unsubscribed": n.get("unsubscribed", 0),
        "spamreport": n.get("spamreport", 0), "reply": n.get("reply", 0), "hardbounced": n.get("hardbounced", 0), "softbounced": n.get("softbounced", 0),
        "pending": n.get("queued", 0), "suppressed": n.get("skipped", 0), "notsent": n.get("skipped", 0) + n.get("cancelled", 0) + n.get("failed", 0),
        "dropped": n.get("failed", 0), "selected": sent + n.get("skipped", 0) + n.get("cancelled", 0) + n.get("failed", 0) + n.get("queued", 0),
        "contactslost": n.get("unsubscribed", 0) + n.get("spamreport", 0) + n.get("hardbounced", 0),
    }  # fmt: skip
    ratios = {
        "openratio": _percent(opened, delivered), "clickratio": _percent(clicked, delivered), "clickthroughratio": _percent(clicked, opened),
        "deliveredratio": _percent(delivered, sent), "bounceratio": _percent(bounce, sent), "hardbounceratio": _percent(counters["hardbounced"], sent),
        "softbounceratio": _percent(counters["softbounced"], sent), "unsubscribedratio": _percent(counters["unsubscribed"], delivered),
        "spamreportratio": _percent(counters["spamreport"], delivered), "replyratio": _percent(counters["reply"], delivered),
        "contactslostratio": _percent(counters["contactslost"], delivered), "notsentratio": _percent(counters["notsent"], counters["selected"]),
        "pendingratio": _percent(counters["pending"], counters["selected"]),
    }  # fmt: skip
    nothing = {"computer": 0, "mobile": 0, "unknown": 0}
    return {
        "counters": counters, "ratios": ratios, "deviceBreakdown": {"open_device_type": {**nothing}, "click_device_type": {**nothing}},
        "qualifierStats": {"machine": {"open": n.get("machine_opened", 0), "click": n.get("machine_clicked", 0)}},
    }  # fmt: skip


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 4) if whole else 0.0


def read(given: Mapping[str, Any]) -> tuple[Shape, Shape]:
    """A request body as (columns of the mail, fields of its campaign). Raises Failure 400 for a part that says something and is not read."""
    for name, value in given.items():
        if name not in WRITTEN and value not in (None, "", [], {}, False):
            raise refused(f"{str(name)[:60]} is not supported.", str(name)[:60])
    mail: Shape = {name: str(given[name]) for name in ("name", "subject", "language") if given.get(name) is not None}
    sender = _object(given, "from")
    if "fromName" in sender:
        mail["from_name"] = str(sender["fromName"] or "")
    if "replyTo" in sender or "customReplyTo" in sender:
        mail["reply_to"] = str(sender.get("customReplyTo") or sender.get("replyTo") or "")
    if given.get("isTransactional") is not None:
        mail["purpose"] = "transactional" if given["isTransactional"] else "marketing"
    if (type_ := _object(given, "subscriptionDetails").get("subscriptionId")) is not None:
        mail["subscription_id"] = number(type_, "subscriptionDetails.subscriptionId")
    mail |= _content(_object(given, "content"))
    campaign: Shape = {}
    if "to" in given:
        to = _object(given, "to")
        lists, people = _object(to, "contactIlsLists", "to.") or _object(to, "contactLists", "to."), _object(to, "contactIds", "to.")
        campaign["audience"] = {
            key: [number(id, f"to.{at}.{side}") for id in _list(part, side, f"to.{at}")]
            for key, part, at, side in (
                ("lists", lists, "contactLists", "include"), ("except", lists, "contactLists", "exclude"),
                ("contacts", people, "contactIds", "include"), ("except_contacts", people, "contactIds", "exclude"),
            )
        }  # fmt: skip
    if given.get("publishDate") is not None:
        campaign["publish_date"] = given["publishDate"]
    return mail, campaign


def _content(content: Mapping[str, Any]) -> Shape:
    """The body: `html`, or the rich texts of `widgets` one after the other."""
    found: Shape = {}
    if content.get("plainTextVersion") is not None:
        found["text"] = str(content["plainTextVersion"])
    parts = []
    for name, widget in _object(content, "widgets", "content.").items():
        html = widget.get("body", {}).get("html") if isinstance(widget, dict) and isinstance(widget.get("body"), dict) else None
        if not isinstance(html, str):
            raise refused("Only widgets with body.html can be read.", f"content.widgets.{str(name)[:60]}")
        parts.append(html)
    if content.get("html") is not None:
        parts = [str(content["html"])]
    if parts:
        found |= {"body": "\n".join(parts), "document": {}}
    return found


def _object(given: Mapping[str, Any], name: str, at: str = "") -> Mapping[str, Any]:
    value = given.get(name) or {}
    if not isinstance(value, Mapping):
        raise refused("Expected an object.", f"{at}{name}")
    return value


def _list(given: Mapping[str, Any], name: str, at: str) -> list[Any]:
    value = given.get(name) or []
    if not isinstance(value, list):
        raise refused("Expected a list.", f"{at}.{name}")
    return value


def number(value: Any, at: str) -> int:
    """A whole number of up to 18 digits, also as text."""
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise refused("Expected a number.", at)
    return int(text)


def refused(text: str, at: str) -> Failure:
    return Failure(400, "VALIDATION_ERROR", f"{at}: {text}", errors=[{"message": text, "in": at}])
