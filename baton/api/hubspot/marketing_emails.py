"""`/marketing/v3/emails`: mails, each with the campaign that sends it. Changes go into the draft; publishing sends a mail that has lists."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import mail_words
from baton.crm.values import stamp
from baton.messaging.campaigns import states, steering, verbs
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, Email, EmailVersion, Variant
from baton.platform import clock
from baton.platform.config import config

router = Router(tags=["e-mails"])
PATH = "/marketing/v3/emails"
ONE = f"{PATH}/{{email_id}}"
READ, WRITE = Needs("emails.read"), Needs("emails.write")
MOST = 300
Text = Annotated[str | None, Query(None)]
Shape = dict[str, Any]
SORTS = {"name": "name", "createdAt": "created_at", "updatedAt": "updated_at", "id": "pk"}


class Clone(Schema):
    """Which mail, and the copy's name."""

    id: str | int
    cloneName: str | None = None
    language: str | None = None


class Variation(Schema):
    """A second variant of a mail."""

    contentId: str | int
    variationName: str


@router.get(PATH, auth=READ, response=Shape, summary="List e-mails")
def listing(
    request: HttpRequest, limit: Text = None, after: Text = None, sort: Text = None, type: Text = None, isPublished: Text = None, createdAt: Text = None,
    createdAfter: Text = None, createdBefore: Text = None, updatedAt: Text = None, updatedAfter: Text = None, updatedBefore: Text = None,
    includeStats: Text = None, archived: Text = None,
) -> Shape:  # fmt: skip
    """Mails for audiences and workflows, in the order of their ids or of `sort` (a leading - turns it round)."""
    size = paging.limit(limit, most=MOST, default=10)
    rows = Email.objects.filter(kind="mail", archived_at__isnull=not _yes(archived))
    for field, given in (("created_at", createdAt), ("updated_at", updatedAt)):
        rows = rows.filter(**{field: _moment(given)}) if given else rows
    for field, given in (
        ("created_at__gt", createdAfter),
        ("created_at__lt", createdBefore),
        ("updated_at__gt", updatedAfter),
        ("updated_at__lt", updatedBefore),
    ):
        rows = rows.filter(**{field: _moment(given)}) if given else rows
    sent = Campaign.objects.exclude(state__in=states.CHANGEABLE).exclude(email_id=None).values("email_id")
    if isPublished not in (None, ""):
        waiting = Campaign.objects.filter(state__in=states.CHANGEABLE).exclude(email_id=None).values("email_id")
        rows = (rows.filter(version__gt=0).exclude(pk__in=waiting) | rows.filter(pk__in=sent)) if _yes(isPublished) else rows.exclude(pk__in=sent)
    if type:
        of_campaigns = Campaign.objects.exclude(email_id=None).values("email_id")
        rows = rows.filter(pk__in=of_campaigns) if "BATCH" in type.upper() or "AB" in type.upper().split("_") else rows.exclude(pk__in=of_campaigns)
    total = rows.count()
    found = list(_after(rows, sort or "", paging.after(after))[: size + 1])
    body = paging.page(request, mail_words.bodies(found[:size], stats=_yes(includeStats)), found[size - 1].pk if len(found) > size else None)
    return {"total": total, **body}


def _after(rows: QuerySet[Email], sort: str, last: int) -> QuerySet[Email]:
    """In this order, from after the mail with this id on (0: from the first on)."""
    field, down = SORTS.get(sort.lstrip("-"), "pk"), sort.startswith("-")
    if field == "pk":
        return (rows.filter(pk__lt=last) if last and down else rows.filter(pk__gt=last)).order_by("-pk" if down else "pk")
    if last:
        value = Email.objects.filter(pk=last).values_list(field, flat=True).first()
        if value is None:
            raise Failure(400, "VALIDATION_ERROR", "after: it is none of this list.", errors=[{"message": "not found", "in": "after"}])
        rows = rows.filter(Q(**{f"{field}__{'lt' if down else 'gt'}": value}) | Q(**{field: value, "pk__gt": last}))
    return rows.order_by(f"-{field}" if down else field, "pk")


@router.post(PATH, auth=WRITE, response={201: Shape}, summary="Create an e-mail")
def create(request: HttpRequest) -> Status[Shape]:
    """A draft. With `to` it has a campaign; with `content.html` or rich-text widgets a body."""
    given = _given(request)
    if not str(given.get("name") or "").strip():
        raise Failure(400, "VALIDATION_ERROR", "name: Some required fields were not set: [name]", errors=[{"message": "name is required", "in": "name"}])
    mail, campaign = mail_words.read(given)
    with transaction.atomic():
        actor = auth.actor(request)
        made = emails.create(mail.pop("name"), actor, subject=mail.pop("subject", ""), language=mail.pop("language", config().language))
        if "body" in mail:
            mail.setdefault("mode", "blocks")
        if mail:
            made = emails.draft_save(made.pk, actor, made.revision, **mail)
        if campaign or given.get("type") in (None, "BATCH_EMAIL", "AB_EMAIL"):
            _audience(made, campaign, request)
    return Status(201, _shown(made))


@router.post(f"{PATH}/clone", auth=WRITE, response=Shape, summary="Copy an e-mail")
def clone(request: HttpRequest, body: Clone) -> Shape:
    """A new draft with the same content and the same lists."""
    with transaction.atomic():
        row, actor = one(body.id), auth.actor(request)
        made = emails.copy(row.pk, actor, body.cloneName or "")
        campaign = mail_words.of([row.pk]).get(row.pk)
        if campaign:
            verbs.create(made.name, actor, email_id=made.pk, audience=campaign.audience)
    return _shown(made)


@router.post(f"{PATH}/ab-test/create-variation", auth=WRITE, response=Shape, summary="Add a variant")
def vary(request: HttpRequest, body: Variation) -> Shape:
    """A copy of the mail that a part of the audience gets instead; half each, until the test is changed in Baton."""
    with transaction.atomic():
        row, actor = one(body.contentId), auth.actor(request)
        campaign = mail_words.of([row.pk]).get(row.pk) or verbs.create(row.name, actor, email_id=row.pk)
        if Variant.objects.filter(campaign=campaign).count() > 1:
            raise Failure(400, "VALIDATION_ERROR", f"E-mail {row.pk} has a variation already.")
        made = emails.copy(row.pk, actor, body.variationName)
        mails = [{"email_id": row.pk, "share": 50}, {"email_id": made.pk, "share": 50}]
        verbs.change(campaign.pk, actor, variants=mails, test={"share": 100, "metric": "opened", "hours": 24})
    return _shown(made)


@router.get(f"{ONE}/ab-test/get-variation", auth=READ, response=Shape, summary="The other variant")
def variation(request: HttpRequest, email_id: str) -> Shape:
    """The mail that is tested against this one."""
    row = one(email_id)
    tested = Variant.objects.filter(email_id=row.pk).order_by("-campaign_id").values_list("campaign_id", flat=True).first()
    others = Variant.objects.filter(campaign_id=tested or 0).exclude(email_id=row.pk).order_by("key").values_list("email_id", flat=True)
    if not others:
        raise Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    return _shown(one(others[0]))


@router.get(ONE, auth=READ, response=Shape, summary="One e-mail")
def single(request: HttpRequest, email_id: str, includeStats: Text = None, archived: Text = None) -> Shape:
    """What is sent, or the draft of what was never published."""
    return mail_words.bodies([one(email_id, archived=_yes(archived))], stats=_yes(includeStats))[0]


@router.patch(ONE, auth=WRITE, response=Shape, summary="Change an e-mail")
def change(request: HttpRequest, email_id: str) -> Shape:
    """Changes go into the draft and count when it is published; lists and the date count at once."""
    return _shown(_change(request, email_id))


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive an e-mail")
def delete(request: HttpRequest, email_id: str) -> HttpResponse:
    """Put it aside, with a campaign that has not begun."""
    with transaction.atomic():
        row, actor = one(email_id), auth.actor(request)
        campaign = mail_words.of([row.pk]).get(row.pk)
        if campaign and campaign.state == states.SCHEDULED:
            steering.unschedule(campaign.pk, actor)
        if campaign and campaign.state in states.CHANGEABLE:
            verbs.archive(campaign.pk, actor)
        emails.archive(row.pk, actor)
    return HttpResponse(status=204)


@router.get(f"{ONE}/draft", auth=READ, response=Shape, summary="The draft")
def draft(request: HttpRequest, email_id: str) -> Shape:
    """As its editors see it."""
    return _shown(one(email_id))


@router.patch(f"{ONE}/draft", auth=WRITE, response=Shape, summary="Change the draft")
def change_draft(request: HttpRequest, email_id: str) -> Shape:
    """The same as changing the e-mail."""
    return _shown(_change(request, email_id))


@router.post(f"{ONE}/draft/reset", auth=WRITE, response={204: None}, summary="Throw the draft away")
def reset(request: HttpRequest, email_id: str) -> HttpResponse:
    """What is sent counts again."""
    emails.discard(one(email_id).pk, auth.actor(request))
    return HttpResponse(status=204)


@router.get(f"{ONE}/revisions", auth=READ, response=Shape, summary="Published versions")
def revisions(request: HttpRequest, email_id: str, limit: Text = None, after: Text = None) -> Shape:
    """Newest first."""
    row, size = one(email_id), paging.limit(limit, most=100, default=10)
    rows = EmailVersion.objects.filter(email=row).order_by("-number")
    if behind := paging.after(after):
        rows = rows.filter(number__lt=behind)
    found = list(rows[: size + 1])
    body = paging.page(request, [_revision(row, v) for v in found[:size]], found[size - 1].number if len(found) > size else None)
    return {"total": EmailVersion.objects.filter(email=row).count(), **body}


@router.get(f"{ONE}/revisions/{{revision}}", auth=READ, response=Shape, summary="One version")
def revision(request: HttpRequest, email_id: str, revision: str) -> Shape:
    """A version as it was published."""
    row = one(email_id)
    return _revision(row, emails.version(row.pk, _id(revision)))


@router.post(f"{ONE}/revisions/{{revision}}/restore", auth=WRITE, response={204: None}, summary="Go back to a version")
def restore(request: HttpRequest, email_id: str, revision: str) -> HttpResponse:
    """The version is published anew."""
    with transaction.atomic():
        row = one(email_id)
        emails.restore(row.pk, _id(revision), auth.actor(request))
        emails.publish(row.pk, auth.actor(request))
    return HttpResponse(status=204)


@router.post(f"{ONE}/revisions/{{revision}}/restore-to-draft", auth=WRITE, response=Shape, summary="Make a version the draft")
def restore_to_draft(request: HttpRequest, email_id: str, revision: str) -> Shape:
    """The draft is what the version was."""
    return _shown(emails.restore(one(email_id).pk, _id(revision), auth.actor(request)))


@router.post(f"{ONE}/publish", auth=WRITE, response={204: None}, summary="Publish or send an e-mail")
def publish(request: HttpRequest, email_id: str) -> HttpResponse:
    """The draft counts. A mail with lists is sent to them: at its publishDate if that is to come, else now. 400 names what is missing."""
    with transaction.atomic():
        row, actor = one(email_id), auth.actor(request)
        campaign = mail_words.of([row.pk]).get(row.pk)
        waiting = campaign and campaign.state in states.CHANGEABLE and any(campaign.audience.get(key) for key in ("lists", "contacts"))
        mails = list(Variant.objects.filter(campaign=campaign).values_list("email_id", flat=True)) if campaign and waiting else [row.pk]
        for id in {row.pk, *mails}:
            if not (mail := one(id)).version or mail.draft:
                emails.publish(id, actor)
        if campaign and waiting:
            if campaign.plan.get("at") and datetime.fromisoformat(campaign.plan["at"]).replace(tzinfo=config().zone) > clock.now():
                steering.schedule(campaign.pk, actor)
            else:
                steering.start(campaign.pk, actor)
    return HttpResponse(status=204)


@router.post(f"{ONE}/unpublish", auth=WRITE, response={204: None}, summary="Take an e-mail back")
def unpublish(request: HttpRequest, email_id: str) -> HttpResponse:
    """Before it begins it is a draft again; while it is being sent it is cancelled. 400 for what was sent."""
    with transaction.atomic():
        row, actor = one(email_id), auth.actor(request)
        campaign = mail_words.of([row.pk]).get(row.pk)
        if campaign is None or campaign.state in (states.DRAFT, *states.OVER):
            raise Failure(400, "VALIDATION_ERROR", f"E-mail {row.pk} is not scheduled and not being sent.")
        if campaign.state == states.SCHEDULED:
            steering.unschedule(campaign.pk, actor)
        else:
            steering.cancel(campaign.pk, actor)
    return HttpResponse(status=204)


def one(given: str | int, *, archived: bool = False) -> Email:
    """Raises Failure 404 as for records."""
    row = Email.objects.filter(pk=_id(given), kind="mail", archived_at__isnull=not archived).first()
    if row is None:
        raise Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    return row


def _id(given: str | int) -> int:
    text = str(given)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Failure(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [text[:100]]})
    return int(text)


def _change(request: HttpRequest, email_id: str) -> Email:
    mail, campaign = mail_words.read(_given(request))
    with transaction.atomic():
        row = one(email_id)
        if mail:
            row = emails.draft_save(row.pk, auth.actor(request), row.revision, **mail)
        if campaign:
            _audience(row, campaign, request)
    return row


def _audience(row: Email, given: Mapping[str, Any], request: HttpRequest) -> None:
    """Keep the lists and the date in the mail's campaign, a new one where there is none that can still be changed."""
    actor = auth.actor(request)
    campaign = mail_words.of([row.pk]).get(row.pk)
    if campaign is None or campaign.state not in states.CHANGEABLE:
        campaign = verbs.create(row.name, actor, email_id=row.pk)
    fields: Shape = {}
    if "audience" in given:
        fields["audience"] = given["audience"]
    if "publish_date" in given:
        at = _moment(given["publish_date"]).astimezone(config().zone).replace(tzinfo=None)
        fields["plan"] = {**campaign.plan, "at": at.isoformat(timespec="minutes")}
    if fields:
        verbs.change(campaign.pk, actor, **fields)


def _shown(row: Email) -> Shape:
    return mail_words.bodies([row], draft=True)[0]


def _revision(row: Email, version: EmailVersion) -> Shape:
    then = Email(pk=row.pk, name=row.name, version=version.number, created_at=row.created_at, updated_at=version.published_at)
    for column in emails.DRAFTED:
        setattr(then, column, version.content.get(column, getattr(row, column)))
    by = version.published_by.partition(":")[2]
    return {"id": str(version.number), "user": {"id": by or "0"}, "updatedAt": stamp(version.published_at), "object": mail_words.bodies([then])[0]}


def _given(request: HttpRequest) -> Shape:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Failure(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1.") from None
    if not isinstance(body, dict):
        raise Failure(400, "VALIDATION_ERROR", "Invalid input JSON: expected an object.")
    return body


def _moment(given: Any) -> datetime:
    """An ISO moment or milliseconds. Raises Failure 400."""
    text = str(given)
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC) if text.lstrip("-").isdigit() else _aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError, OSError):
        raise Failure(400, "VALIDATION_ERROR", f"Unable to parse value {text[:50]!r} as a date.") from None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _yes(given: str | None) -> bool:
    return (given or "").lower() == "true"
