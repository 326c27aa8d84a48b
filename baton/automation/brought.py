"""What a template brings along: mails, forms, lists, kinds of events, properties and pipelines, each under a name that is free.

emails:     {intro: {name, subject, preheader, text, button: [label, address], purpose}}      text: paragraphs, an empty line between them
forms:      {inquiry: {name, fields: [...], thanks, submit}}                                  a draft: the public does not see it
lists:      {guests: {name, kind: fixed | active, filter, description}}
events:     {order_paid: {label, properties: [{name, label, type}]}}                          one that is there already is used
properties: {seminar_at: {object_type, label, type, options: [{value, label}]}}               likewise, where it has the same type
pipelines:  {b2b: {object_type, label, stages: [{key, label, probability, closed}]}}
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from django.utils.translation import override

from baton.automation import names, portable
from baton.automation.names import Names
from baton.crm import pipelines, properties
from baton.crm.models import Pipeline
from baton.events import keys, own
from baton.events.models import EventDefinition
from baton.events.vocabulary import Kind
from baton.forms import verbs as forms
from baton.messaging.mail import emails
from baton.platform.actor import Actor
from baton.segments import verbs as lists

Said = Mapping[str, Any]
Made = dict[tuple[str, str], int | str]  # (kind, key in the template) -> number or key here
LETTER = "font-family:Pretendard,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif;word-break:keep-all"
KNOB = "display:inline-block;background:#1f2937;color:#ffffff;text-decoration:none;font-weight:700;font-size:16px;padding:13px 22px;border-radius:8px"


def make(brings: Said, actor: Actor, template: str, language: str) -> Made:
    """Make all of it in the caller's transaction. Raises Invalid for what cannot be made."""
    made: Made = {}
    for key, about in (brings.get("events") or {}).items():
        if not EventDefinition.objects.filter(name=key, archived_at=None).exists():
            own.define(about["label"], actor=actor, name=key, properties=about.get("properties") or ())
    for key, about in (brings.get("properties") or {}).items():
        made["property", key] = _property(key, about, actor)
    for key, about in (brings.get("pipelines") or {}).items():
        made["pipeline", key] = _pipeline(key, about, actor)
    taken = Names()
    for key, about in (brings.get("emails") or {}).items():
        made["email", key] = _email(about, names.free(about["name"], taken.taken("email")), actor, language)
    for key, about in (brings.get("forms") or {}).items():
        made["form", key] = _form(about, names.free(about["name"], taken.taken("form")), actor, language, made)
    for key, about in (brings.get("lists") or {}).items():
        name = names.free(about["name"], taken.taken("segment"))
        filter = portable.filter_numbers(about.get("filter") or {}, made)
        made["segment", key] = lists.create_segment(name, filter, about.get("kind", "active"), actor, description=about.get("description") or template).pk
    return made


def _email(about: Said, name: str, actor: Actor, language: str) -> int:
    text, subject = str(about["text"]), str(about["subject"])
    return emails.create(
        name, actor, subject=subject, preheader=str(about.get("preheader") or ""), body=letter(text, about.get("button"), language),
        purpose=str(about.get("purpose") or "marketing"),
    ).pk  # fmt: skip


def letter(text: str, button: Any, language: str) -> str:
    """A mail of one column that is read without pictures; merge fields stay as they are."""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    shown = "".join(f'<p style="margin:0 0 16px;font-size:16px;line-height:1.7;color:#1f2937">{escape(one, quote=False)}</p>' for one in paragraphs)
    knob = f'<p style="margin:24px 0 0"><a href="{escape(button[1])}" style="{KNOB}">{escape(button[0], quote=False)}</a></p>' if button else ""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>\n'
        f'<body style="margin:0 auto;padding:32px 24px;max-width:600px;background:#ffffff;{LETTER}">\n{shown}\n{knob}\n</body></html>'
    )


def _form(about: Said, name: str, actor: Actor, language: str, made: Made) -> int:
    fields = [{**one, "name": made.get(("property", one["name"]), one["name"])} for one in about["fields"]]
    definition = {
        "fields": fields, "language": language, "after": {"kind": "thanks", "thanks": about["thanks"]}, "submit_label": about.get("submit") or "",
        "consent": about.get("consent") or {},
    }  # fmt: skip
    form = forms.create(name, {word: value for word, value in definition.items() if value}, actor=actor)
    keys.resolve({(Kind.FORM_SUBMISSION, str(form.pk)): name})  # conditions tell it by its name before anybody sent it
    return form.pk


def _property(key: str, about: Said, actor: Actor) -> str:
    """The property with this name, or another where that one is something else."""
    object_type, options = about.get("object_type") or "contact", about.get("options")
    known = properties.definitions(object_type)
    there = known.get(key)
    wanted = {str(one["value"]) for one in options or ()}
    if there is not None and there.type == about["type"] and wanted <= {str(one["value"]) for one in there.options}:
        return key
    name, number = key, 1
    while name in known:
        number += 1
        name = f"{key}_{number}"
    properties.define(object_type, name, about["label"], about["type"], actor=actor, options=options)
    return name


def _pipeline(key: str, about: Said, actor: Actor) -> str:
    there = Pipeline.objects.filter(object_type=about["object_type"])
    label = names.free(about["label"], set(there.filter(archived_at=None).values_list("label", flat=True)))
    wanted = "" if there.filter(key=key).exists() else key
    with override(None):
        return pipelines.define(about["object_type"], label, about["stages"], actor=actor, key=wanted).key
