"""`/marketing/v3/forms`, `/forms/v2/forms`, `/form-integrations/v1/submissions`: forms as they were designed, and what came back."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.accounts import users
from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import form_words, legacy, words
from baton.crm.values import stamp
from baton.forms import verbs
from baton.forms.definition import Definition, asked, whole
from baton.forms.models import Form, FormSubmission, FormVersion
from baton.platform.actor import Actor
from baton.platform.errors import Conflict

router = Router(tags=["forms"])
PATH = "/marketing/v3/forms"
READ, WRITE = Needs("forms.read"), Needs("forms.write")
Text = Annotated[str | None, Query(None)]
Flag = Annotated[bool, Query(False)]
Shape = dict[str, Any]
MOST, MOST_SUBMISSIONS = 100, 50


class Write(Schema):
    """Body of create and replace."""

    name: str
    formType: str = "hubspot"
    fieldGroups: list[dict[str, Any]]
    configuration: dict[str, Any] = {}
    displayOptions: dict[str, Any] = {}
    legalConsentOptions: dict[str, Any] = {}
    archived: bool = False


class Change(Schema):
    """What of a form is to be different."""

    name: str | None = None
    fieldGroups: list[dict[str, Any]] | None = None
    configuration: dict[str, Any] | None = None
    displayOptions: dict[str, Any] | None = None
    legalConsentOptions: dict[str, Any] | None = None
    archived: bool | None = None


@router.get(PATH, auth=READ, response=Shape, summary="List forms")
def listing(request: HttpRequest, limit: Text = None, after: Text = None, archived: Flag = False, formTypes: Text = None) -> Shape:
    """Forms in the order they were made."""
    size = paging.limit(limit, most=MOST, default=20)
    rows = Form.objects.filter(pk__gt=paging.after(after), archived_at__isnull=not archived).order_by("pk")
    found = list(rows[: size + 1]) if not formTypes or "hubspot" in formTypes.split(",") else []
    definitions = _definitions(found)
    return paging.page(request, [_shown(form, definitions) for form in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.post(PATH, auth=WRITE, response={201: Shape}, summary="Create a form")
def create(request: HttpRequest, body: Write) -> Status[Shape]:
    """A new form; the public sees it at once."""
    made = verbs.create(body.name, _definition(body), actor=auth.actor(request), publish=True)
    return Status(201, _shown(made))


@router.get(f"{PATH}/{{form_id}}", auth=READ, response=Shape, summary="Read a form")
def read(request: HttpRequest, form_id: str, archived: Flag = False) -> Shape:
    """One form."""
    return _shown(verbs.by_guid(form_id, archived=archived))


@router.patch(f"{PATH}/{{form_id}}", auth=WRITE, response=Shape, summary="Change a form")
def change(request: HttpRequest, form_id: str, body: Change) -> Shape:
    """Change what is named; the public sees it at once. A form on whose draft somebody works is refused (409)."""
    form, actor = verbs.by_guid(form_id, archived=True), auth.actor(request)
    definition = dict(_seen(form))
    if body.fieldGroups is not None:
        definition["fields"], definition["steps"] = form_words.fields(body.fieldGroups), []
    given = form_words.settings(body.configuration or {}, body.displayOptions or {}, body.legalConsentOptions or {})
    if "after" in given:
        given["after"] = {**definition["after"], **given["after"]}
    return _changed(form, body.name, definition | given, body.archived, actor)


@router.put(f"{PATH}/{{form_id}}", auth=WRITE, response=Shape, summary="Replace a form")
def replace(request: HttpRequest, form_id: str, body: Write) -> Shape:
    """Set all that is in the body; what HubSpot has no word for (spam defence, rules) stays."""
    form = verbs.by_guid(form_id, archived=True)
    return _changed(form, body.name, {**_seen(form), "steps": [], "consent": {}, "after": {}, **_definition(body)}, body.archived, auth.actor(request))


@router.delete(f"{PATH}/{{form_id}}", auth=WRITE, response={204: None}, summary="Archive a form")
def archive(request: HttpRequest, form_id: str) -> HttpResponse:
    """Take no more answers."""
    verbs.archive(verbs.by_guid(form_id, archived=True), actor=auth.actor(request))
    return HttpResponse(status=204)


@router.get("/form-integrations/v1/submissions/forms/{form_id}", auth=READ, response=Shape, summary="Answers to a form")
def submissions(request: HttpRequest, form_id: str, limit: Text = None, after: Text = None) -> Shape:
    """What came back, the latest first."""
    form = verbs.by_guid(form_id, archived=True)
    size = paging.limit(limit, most=MOST_SUBMISSIONS, default=20)
    rows = FormSubmission.objects.filter(form_id=form.pk).order_by("-at", "-id")
    if after not in (None, "", "0", "null"):
        at, number = _moment(str(after))
        rows = rows.filter(at__lte=at).exclude(at=at, id__gte=number)
    found = list(rows[: size + 1])
    body = paging.page(request, [_answer(row) for row in found[:size]], None)
    if len(found) > size:
        last = found[size - 1]
        body |= paging.page(request, body["results"], int(f"{(last.at - EPOCH) // timedelta(microseconds=1)}{last.id:019d}"))
    return body


@router.get("/forms/v2/forms", auth=READ, response=list[Shape], summary="List forms (v2)")
def old_listing(request: HttpRequest, limit: Text = None, offset: Text = None) -> list[Shape]:
    """All forms as a bare list."""
    start, size = legacy.number(offset, "offset"), min(legacy.number(limit, "limit", 1000) or 1000, 1000)
    found = list(Form.objects.filter(archived_at=None).order_by("pk")[start : start + size])
    definitions = _definitions(found)
    return [_old(form, definitions) for form in found]


@router.get("/forms/v2/forms/{form_id}", auth=READ, response=Shape, summary="Read a form (v2)")
def old_read(request: HttpRequest, form_id: str) -> Shape:
    """One form."""
    return _old(verbs.by_guid(form_id))


@router.get("/forms/v2/fields/{form_id}", auth=READ, response=list[Shape], summary="Fields of a form (v2)")
def old_fields(request: HttpRequest, form_id: str) -> list[Shape]:
    """The fields of a form as a bare list."""
    return [form_words.old_field(field) for field in asked(_seen(verbs.by_guid(form_id)))]


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _moment(after: str) -> tuple[datetime, int]:
    """The time and number of the answer a page ended with. Raises Failure 400."""
    if not (after.isascii() and after.isdigit()) or not 20 <= len(after) <= 36:
        raise Failure(400, "VALIDATION_ERROR", "after: expected the value of paging.next.after")
    return EPOCH + timedelta(microseconds=int(after[:-19])), int(after[-19:])


def _answer(row: FormSubmission) -> Shape:
    values = [
        {"name": words.theirs("contact", name), "value": words.value_out("contact", name, one) or "", "objectTypeId": "0-1"}
        for name, value in row.values.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    id = UUID(int=(row.form_id << 64) + row.id)
    return {"conversionId": str(id), "submittedAt": legacy.ms(row.at), "values": values, "pageUrl": row.page_url}


def _definitions(forms: Iterable[Form]) -> dict[int, Definition]:
    """What the public sees of each form; of one never published the draft. One query."""
    by_number = {form.pk: form.version for form in forms}
    rows = FormVersion.objects.filter(form_id__in=by_number).filter(number__in=set(by_number.values()))
    public = {row.form_id: row.definition for row in rows if row.number == by_number[row.form_id]}
    return {form.pk: whole(public.get(form.pk, form.draft)) for form in forms}


def _seen(form: Form) -> Definition:
    return _definitions([form])[form.pk]


def _definition(body: Write) -> Definition:
    return {"fields": form_words.fields(body.fieldGroups), **form_words.settings(body.configuration, body.displayOptions, body.legalConsentOptions)}


def _changed(form: Form, name: str | None, definition: Definition, archived: bool | None, actor: Actor) -> Shape:
    if form.version and verbs.is_changed(form):
        raise Conflict("Somebody works on a draft of this form: publish or discard it first.")
    with transaction.atomic():
        verbs.save(form, actor=actor, name=name, definition=definition if definition != _seen(form) else None)
        verbs.publish(form, actor=actor)
        if archived is not None:
            (verbs.archive if archived else verbs.restore)(form, actor=actor)
    return _shown(form)


def _shown(form: Form, definitions: Mapping[int, Definition] | None = None) -> Shape:
    seen = definitions[form.pk] if definitions else _seen(form)
    body: Shape = {
        "id": str(form.guid),
        "formType": "hubspot",
        "name": form.name,
        "createdAt": stamp(form.created_at),
        "updatedAt": stamp(form.updated_at),
        "archived": form.archived_at is not None,
        "fieldGroups": form_words.groups(seen),
        "configuration": form_words.configuration(seen),
        "displayOptions": {"renderRawHtml": True, "theme": "default_style", "submitButtonText": seen["submit_label"], "style": {}},
        "legalConsentOptions": form_words.consent(seen),
    }
    if form.archived_at is not None:
        body["archivedAt"] = stamp(form.archived_at)
    return body


def _old(form: Form, definitions: Mapping[int, Definition] | None = None) -> Shape:
    seen = definitions[form.pk] if definitions else _seen(form)
    after = seen["after"]
    return {
        "portalId": users.account().pk,
        "guid": str(form.guid),
        "name": form.name,
        "action": "",
        "method": "POST",
        "cssClass": "",
        "redirect": after["redirect_url"] if after["kind"] == "redirect" else "",
        "submitText": seen["submit_label"],
        "notifyRecipients": ",".join(str(id) for id in seen["notify"]["users"]),
        "formFieldGroups": [
            {"fields": [form_words.old_field(field)], "default": True, "isSmartGroup": field["ask"] == "if_unknown", "richText": {"content": ""}}
            for field in asked(seen)
        ],
        "createdAt": legacy.ms(form.created_at),
        "updatedAt": legacy.ms(form.updated_at),
        "deletable": True,
        "captchaEnabled": bool(seen["spam"]["captcha"]),
        "inlineMessage": after["thanks"],
        "formType": "HUBSPOT",
    }
