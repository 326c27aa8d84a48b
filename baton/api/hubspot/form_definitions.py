"""`/marketing/v3/forms`, `/forms/v2/forms`, `/form-integrations/v1/submissions`: forms as they were designed, and what came back."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.accounts import users
from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import legacy, words
from baton.crm import properties
from baton.crm.models import PropertyType
from baton.crm.values import stamp
from baton.forms import fields as form_fields
from baton.forms import verbs
from baton.forms.models import Form, FormSubmission

router = Router(tags=["forms"])
PATH = "/marketing/v3/forms"
READ, WRITE = Needs("forms.read"), Needs("forms.write")
Text = Annotated[str | None, Query(None)]
Flag = Annotated[bool, Query(False)]
Shape = dict[str, Any]
MOST, MOST_SUBMISSIONS = 100, 50

# What a field is asked by, in HubSpot's words and ours.
FIELDS = {
    "email": "email", "phone": "phone", "mobile_phone": "phone", "single_line_text": "text", "multi_line_text": "textarea", "number": "number",
    "single_checkbox": "boolean", "multiple_checkboxes": "multi_choice", "dropdown": "choice", "radio": "choice", "datepicker": "date",
}  # fmt: skip
OUT = {mine: word for word, mine in reversed(FIELDS.items())} | {"url": "single_line_text", "hidden": "single_line_text", "choice": "dropdown"}
OLD = {  # the same in the words of version 2: type, fieldType
    "email": ("string", "text"), "phone": ("string", "phonenumber"), "text": ("string", "text"), "textarea": ("string", "textarea"), "url": ("string", "text"),
    "hidden": ("string", "text"), "number": ("number", "number"), "boolean": ("bool", "booleancheckbox"), "multi_choice": ("enumeration", "checkbox"),
    "choice": ("enumeration", "select"), "date": ("date", "date"),
}  # fmt: skip


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
    found = list(rows[: size + 1])
    return paging.page(request, [_shown(form) for form in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.post(PATH, auth=WRITE, response={201: Shape}, summary="Create a form")
def create(request: HttpRequest, body: Write) -> Status[Shape]:
    """A new form."""
    made = verbs.create(body.name, _fields_in(body.fieldGroups), actor=auth.actor(request), **_settings(body))
    return Status(201, _shown(made))


@router.get(f"{PATH}/{{form_id}}", auth=READ, response=Shape, summary="Read a form")
def read(request: HttpRequest, form_id: str, archived: Flag = False) -> Shape:
    """One form."""
    return _shown(verbs.by_guid(form_id, archived=archived))


@router.api_operation(["PATCH", "PUT"], f"{PATH}/{{form_id}}", auth=WRITE, response=Shape, summary="Change a form")
def change(request: HttpRequest, form_id: str, body: Change) -> Shape:
    """Change what is named."""
    form, actor = verbs.by_guid(form_id, archived=True), auth.actor(request)
    settings = _settings(body)
    if body.name is not None:
        settings["name"] = body.name
    if body.fieldGroups is not None:
        settings["fields"] = _fields_in(body.fieldGroups)
    form = verbs.update(form, actor=actor, **settings)
    if body.archived is not None:
        (verbs.archive if body.archived else verbs.restore)(form, actor=actor)
    return _shown(form)


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
    return [_old(form) for form in Form.objects.filter(archived_at=None).order_by("pk")[start : start + size]]


@router.get("/forms/v2/forms/{form_id}", auth=READ, response=Shape, summary="Read a form (v2)")
def old_read(request: HttpRequest, form_id: str) -> Shape:
    """One form."""
    return _old(verbs.by_guid(form_id))


@router.get("/forms/v2/fields/{form_id}", auth=READ, response=list[Shape], summary="Fields of a form (v2)")
def old_fields(request: HttpRequest, form_id: str) -> list[Shape]:
    """The fields of a form as a bare list."""
    return [_old_field(field) for field in verbs.by_guid(form_id).fields]


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


def _shown(form: Form) -> Shape:
    body: Shape = {
        "id": str(form.guid),
        "formType": "hubspot",
        "name": form.name,
        "createdAt": stamp(form.created_at),
        "updatedAt": stamp(form.updated_at),
        "archived": form.archived_at is not None,
        "fieldGroups": [{"groupType": "default_group", "richTextType": "text", "fields": [_field(field)]} for field in form.fields],
        "configuration": {
            "language": form.language,
            "createNewContactForNewEmail": True,
            "editable": True,
            "cloneable": True,
            "archivable": True,
            "prePopulateKnownValues": False,
            "allowLinkToResetKnownValues": False,
            "notifyContactOwner": False,
            "notifyRecipients": [],
            "recaptchaEnabled": False,
            "postSubmitAction": {"type": "redirect_url", "value": form.redirect_url} if form.redirect_url else {"type": "thank_you", "value": form.thanks},
        },
        "displayOptions": {"renderRawHtml": True, "theme": "default_style", "submitButtonText": form.submit_label, "style": {}},
        "legalConsentOptions": _consent(form),
    }
    if form.archived_at is not None:
        body["archivedAt"] = stamp(form.archived_at)
    return body


def _consent(form: Form) -> Shape:
    if not form.consent:
        return {"type": "none"}
    box = {"subscriptionTypeId": 1, "label": form.consent.get("label", ""), "required": bool(form.consent.get("required"))}
    return {"type": "explicit_consent_to_process", "privacyText": "", "communicationsCheckboxes": [box]}


def _field(field: Shape) -> Shape:
    body = {
        "objectTypeId": "0-1",
        "name": words.theirs("contact", field["name"]),
        "label": field["label"],
        "required": bool(field.get("required")),
        "hidden": field["type"] == "hidden",
        "fieldType": "mobile_phone" if field["name"] == "mobilephone" else OUT[field["type"]],
        "dependentFields": [],
    }
    if field.get("placeholder"):
        body["placeholder"] = field["placeholder"]
    if field["type"] in ("choice", "multi_choice"):
        body["options"] = [
            {"label": option["label"], "value": option["value"], "displayOrder": number} for number, option in enumerate(form_fields.options(field))
        ]
    return body


def _old(form: Form) -> Shape:
    return {
        "portalId": users.account().pk,
        "guid": str(form.guid),
        "name": form.name,
        "action": "",
        "method": "POST",
        "cssClass": "",
        "redirect": form.redirect_url,
        "submitText": form.submit_label,
        "notifyRecipients": "",
        "formFieldGroups": [{"fields": [_old_field(field)], "default": True, "isSmartGroup": False, "richText": {"content": ""}} for field in form.fields],
        "createdAt": legacy.ms(form.created_at),
        "updatedAt": legacy.ms(form.updated_at),
        "deletable": True,
        "captchaEnabled": False,
        "inlineMessage": form.thanks,
        "formType": "HUBSPOT",
    }


def _old_field(field: Shape) -> Shape:
    type, field_type = OLD[field["type"]]
    return {
        "name": words.theirs("contact", field["name"]),
        "label": field["label"],
        "type": type,
        "fieldType": field_type,
        "required": bool(field.get("required")),
        "hidden": field["type"] == "hidden",
        "options": _field(field).get("options", []),
        "placeholder": field.get("placeholder", ""),
        "enabled": True,
    }


def _fields_in(groups: list[dict[str, Any]]) -> list[Shape]:
    """The fields of all groups in order. Raises Failure 400 for kinds of fields Baton has not."""
    made = []
    known = properties.definitions("contact")
    for group in groups:
        for field in group.get("fields") or []:
            kind = FIELDS.get(str(field.get("fieldType"))) if isinstance(field, dict) else None
            if kind is None:
                raise Failure(
                    400, "VALIDATION_ERROR", f"Fields of type {str(field.get('fieldType') if isinstance(field, dict) else field)[:50]} are not supported."
                )
            name = words.ours("contact", str(field.get("name", "")))
            there = known.get(name)
            if kind == "choice" and there is not None and there.type == PropertyType.MULTI_CHOICE:
                kind = "multi_choice"
            one: Shape = {"name": name, "label": str(field.get("label") or name), "type": "hidden" if field.get("hidden") else kind}
            if field.get("required"):
                one["required"] = True
            if field.get("placeholder"):
                one["placeholder"] = str(field["placeholder"])
            if options := field.get("options"):
                one["options"] = [{"value": str(o.get("value", "")), "label": str(o.get("label", ""))} for o in options if isinstance(o, dict)]
            made.append(one)
    return made


def _settings(body: Write | Change) -> Shape:
    """What of configuration, look and consent Baton knows."""
    made: Shape = {}
    configuration, look, legal = body.configuration or {}, body.displayOptions or {}, body.legalConsentOptions or {}
    if configuration.get("language") in ("ko", "en"):
        made["language"] = configuration["language"]
    after = configuration.get("postSubmitAction")
    if isinstance(after, dict) and isinstance(after.get("value"), str):
        made["redirect_url" if after.get("type") == "redirect_url" else "thanks"] = after["value"]
    if isinstance(look.get("submitButtonText"), str):
        made["submit_label"] = look["submitButtonText"]
    boxes = legal.get("communicationsCheckboxes")
    if isinstance(boxes, list) and boxes and isinstance(boxes[0], dict):
        made["consent"] = {"channel": "email", "label": str(boxes[0].get("label") or ""), "required": bool(boxes[0].get("required"))}
    elif legal.get("type") == "none":
        made["consent"] = {}
    return made
