"""Make, change and archive forms. Each change names its actor and is kept in the history."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import uses
from baton.crm.uses import Mention
from baton.forms import fields
from baton.forms.models import Form
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

SETTINGS = ("name", "fields", "consent", "submit_label", "thanks", "redirect_url", "language")
CHANNELS = ("email", "kakaotalk", "sms")


def create(name: str, fields: list[dict[str, Any]], *, actor: Actor, **settings: Any) -> Form:
    """A new form; `settings` are consent, submit_label, thanks, redirect_url, language. Raises Invalid with paths."""
    form = Form(name=name, fields=fields)
    _apply(form, settings)
    with transaction.atomic():
        form.save(force_insert=True)
        history.record(actor, "created", "form", form.pk, name=form.name)
    return form


def update(form: Form, *, actor: Actor, **settings: Any) -> Form:
    """Change some settings of a form (name and fields too). Raises Invalid with paths; then nothing changed."""
    before = {key: getattr(form, key) for key in SETTINGS}
    changed = Form(**before)
    _apply(changed, settings)
    differing = {key: getattr(changed, key) for key in settings if getattr(changed, key) != before[key]}
    if not differing:
        return form
    for key, value in differing.items():
        setattr(form, key, value)
    with transaction.atomic():
        form.save(update_fields=[*differing, "updated_at"])
        history.record(actor, "updated", "form", form.pk, before={key: before[key] for key in differing}, after=differing)
    return form


def archive(form: Form, *, actor: Actor) -> None:
    """Take no more answers. What came in stays; a page that still embeds the form shows that it is closed.

    Raises Conflict that names the lists, scores and workflows which wait for its answers.
    """
    if form.archived_at is None:
        uses.refuse(Mention("form", str(form.pk)), form.name)
        form.archived_at = clock.now()
        with transaction.atomic():
            form.save(update_fields=["archived_at", "updated_at"])
            history.record(actor, "archived", "form", form.pk)


def restore(form: Form, *, actor: Actor) -> None:
    """Take answers again."""
    if form.archived_at is not None:
        form.archived_at = None
        with transaction.atomic():
            form.save(update_fields=["archived_at", "updated_at"])
            history.record(actor, "restored", "form", form.pk)


def by_guid(guid: str, *, archived: bool = False) -> Form:
    """The form of an address. Raises NotFound for an unknown or archived one, and for what is no GUID."""
    try:
        form = Form.objects.filter(guid=UUID(guid)).first()
    except ValueError:
        form = None
    if form is None or (form.archived_at is not None and not archived):
        raise NotFound(_("There is no such form."))
    return form


def _apply(form: Form, settings: dict[str, Any]) -> None:
    problems: list[Problem] = []
    for key, value in settings.items():
        if key not in SETTINGS:
            problems.append(Problem(key, "UNKNOWN", _("A form has no such setting.")))
        else:
            setattr(form, key, value)
    if not isinstance(form.name, str) or not form.name.strip():
        problems.append(Problem("name", "REQUIRED", _("A form needs a name.")))
    problems += fields.design_problems(form.fields)
    if form.consent:
        if form.consent.get("channel") not in CHANNELS:
            problems.append(Problem("consent.channel", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(CHANNELS))))
        if not str(form.consent.get("label") or "").strip():
            problems.append(Problem("consent.label", "REQUIRED", _("Write what people agree to: the text is kept as proof.")))
    if form.redirect_url:
        try:
            parts = urlsplit(form.redirect_url)
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            problems.append(Problem("redirect_url", "INVALID_URL", _("Expected an http:// or https:// address.")))
    if form.language not in ("ko", "en"):
        problems.append(Problem("language", "INVALID_OPTION", _("Expected one of {types}.").format(types="ko, en")))
    if problems:
        raise Invalid(problems)
