"""Answers of Google Forms and sheets: an address with a secret, and the script that sends them there."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.forms import shown, submissions
from baton.forms.definition import CHOICES, Definition, asked, options
from baton.forms.models import Form
from baton.forms.submissions import Submission
from baton.platform import history, signing
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

LONGEST = 200  # characters of a response's id
BOX = "consent."  # how the table of titles names a consent box

# Runs at Google, for a form ("On form submit" of the form) and for the sheet of one alike. It sends titles and answers, nothing else.
SCRIPT = """\
// {about}
const BATON = {address};
const KEY = {key};

function install() {{
  const form = FormApp.getActiveForm && FormApp.getActiveForm();
  const trigger = ScriptApp.newTrigger("sendToBaton");
  (form ? trigger.forForm(form) : trigger.forSpreadsheet(SpreadsheetApp.getActive())).onFormSubmit().create();
}}

function sendToBaton(event) {{
  const answers = {{}};
  let id, at = new Date(), email = "";
  if (event.response) {{
    for (const one of event.response.getItemResponses()) answers[one.getItem().getTitle()] = one.getResponse();
    id = event.response.getId();
    at = event.response.getTimestamp();
    email = event.response.getRespondentEmail();
  }} else {{
    for (const title in event.namedValues) answers[title] = event.namedValues[title].join(";");
    id = event.range.getSheet().getSheetId() + ":" + event.range.getRow();
  }}
  const answer = UrlFetchApp.fetch(BATON, {{
    method: "post",
    contentType: "application/json",
    headers: {{ Authorization: "Bearer " + KEY }},
    payload: JSON.stringify({{ response: id, at: at.toISOString(), email: email, answers: answers }}),
    muteHttpExceptions: true,
  }});
  if (answer.getResponseCode() >= 300) throw new Error("Baton: " + answer.getResponseCode() + " " + answer.getContentText());
}}
"""


def secret(form: Form) -> str:
    """The key of this form's intake address; `renew` makes another one."""
    return "bfi_" + signing.make("form_intake", form.pk, int(form.intake.get("round", 0)))


def is_secret(form: Form, text: str) -> bool:
    """Whether a text is the present key."""
    return hmac.compare_digest(secret(form).encode(), text.encode())


def renew(form: Form, *, actor: Actor) -> str:
    """A new key; the old one is turned away from now on."""
    form.intake = {**form.intake, "round": int(form.intake.get("round", 0)) + 1}
    with transaction.atomic():
        form.save(update_fields=["intake", "updated_at"])
        history.record(actor, "updated", "form", form.pk, intake_key="***")
    return secret(form)


def save_titles(form: Form, titles: Mapping[str, str], *, actor: Actor) -> None:
    """Which question (its title) answers which field, or which consent box (`consent.<key>`); questions named like one need no line.

    Raises Invalid at `titles.<title>`.
    """
    definition = shown.to(form).definition
    names = {one["name"] for one in asked(definition)} | {f"{BOX}{box['key']}" for box in definition["consent"]["boxes"]}
    problems = [
        Problem(f"titles.{title}", "NOT_FOUND", _("The form has no field {name}.").format(name=name)) for title, name in titles.items() if name not in names
    ]
    if problems:
        raise Invalid(problems)
    if dict(titles) != form.intake.get("titles", {}):
        form.intake = {**form.intake, "titles": dict(titles)}
        with transaction.atomic():
            form.save(update_fields=["intake", "updated_at"])
            history.record(actor, "updated", "form", form.pk, intake_titles=dict(titles))


def address(form: Form) -> str:
    """Where responses are sent."""
    return f"{config().url}/f/{form.guid}/intake"


def snippet(form: Form) -> str:
    """The Apps Script text to paste into a Google form or sheet; `install` is run once there. It carries the key: show it to people who may edit forms."""
    about = _("Sends each answer to Baton. Paste it under Extensions > Apps Script, save, and run install once.")
    return SCRIPT.format(about=about, address=json.dumps(address(form)), key=json.dumps(secret(form)))


def take(form: Form, body: Any) -> Submission:
    """Take one response, once, however often it is sent.

    `{"response": id, "at": ISO time, "email": "", "answers": {title: text or list}}`. Questions that answer no field are left out; required
    fields may be missing (the form at Google decides that). Raises Invalid (`response`, `at`, `answers`, `fields.<name>`).
    """
    if not isinstance(body, dict):
        raise Invalid.one("", "INVALID", _("Expected an object."))
    id, answers, at = body.get("response"), body.get("answers"), body.get("at")
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST or "\0" in id:
        raise Invalid.one("response", "REQUIRED", _("Expected the id of the response: it is taken once."))
    if not isinstance(answers, dict) or not answers:
        raise Invalid.one("answers", "REQUIRED", _("Expected titles and answers."))
    moment = None
    if at:
        try:
            moment = datetime.fromisoformat(str(at))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Invalid.one("at", "INVALID_DATE", _("{value} is not a date and time. Expected the form 2026-11-21T10:15:30Z.").format(value=at))
    values = _values(form, shown.to(form).definition, answers)
    if body.get("email") and not values.get("email"):
        values["email"] = str(body["email"])
    boxes = _boxes(form, shown.to(form).definition, answers)
    return submissions.submit(form, values, boxes=boxes, at=moment, lenient=True, key=f"intake:{form.pk}:{id}", via="intake")


def _boxes(form: Form, definition: Definition, answers: Mapping[str, Any]) -> dict[str, bool] | None:
    """The consent boxes that a question answers, by the table of titles or by their words; None when none was asked there."""
    titles = form.intake.get("titles", {})
    by_word = {_plain(box["label"]): box["key"] for box in definition["consent"]["boxes"]}
    asked_there = {titles.get(title, "").removeprefix(BOX) or by_word.get(_plain(title), ""): answer for title, answer in answers.items()}
    found = {box["key"]: _agreed(asked_there[box["key"]]) for box in definition["consent"]["boxes"] if box["key"] in asked_there}
    return found or None


def _agreed(answer: Any) -> bool:
    said = _plain(" ".join(map(str, answer)) if isinstance(answer, list) else answer)
    return bool(said) and not said.startswith(("no", "false", "아니", "않", "미동의", "거부", "i do not", "disagree")) and "하지 않" not in said


def _plain(text: Any) -> str:
    return str(text).strip().casefold()


def _values(form: Form, definition: Definition, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers by field: by the table of titles, else by name or label. A choice may be answered by its label, as people see it."""
    fields = {one["name"]: one for one in asked(definition)}
    by_word = {one["label"].strip().casefold(): name for name, one in fields.items()} | {name.casefold(): name for name in fields}
    titles = form.intake.get("titles", {})
    found: dict[str, Any] = {}
    for title, answer in answers.items():
        name = titles.get(title) or by_word.get(str(title).strip().casefold())
        if name is not None and name in fields:
            found[name] = _chosen(fields[name], answer)
    return found


def _chosen(field: Mapping[str, Any], answer: Any) -> Any:
    if field["type"] not in CHOICES:
        return ", ".join(map(str, answer)) if isinstance(answer, list) else answer
    by_label = {one["label"].strip().casefold(): one["value"] for one in options(field)}
    given = answer if isinstance(answer, list) else str(answer).split(";") if field["type"] == "multi_choice" else [answer]
    chosen = [by_label.get(str(one).strip().casefold(), str(one).strip()) for one in given]
    return chosen if field["type"] == "multi_choice" else (chosen[0] if chosen else None)
