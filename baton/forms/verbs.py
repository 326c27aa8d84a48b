"""Make, change, publish and archive forms. Each change names its actor and is kept in the history.

People work on the draft; `publish` makes a version of it, which never changes, and the public sees published versions only.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from baton.crm import files, uses
from baton.crm.uses import Mention
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.forms import definition as words
from baton.forms.models import Form, FormFile, FormSplit, FormVersion
from baton.platform import clock, history, secrets
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

LARGEST = 20 * 1024 * 1024  # bytes of a file that is handed out
FORMER = 20  # ids a form had elsewhere


def create(name: str, definition: Mapping[str, Any], *, actor: Actor, publish: bool = False) -> Form:
    """A new form with this draft; `publish` lets the public see it at once. Raises Invalid with paths (`name`, `fields.0.label` …)."""
    _check(name, definition, public=publish)
    form = Form(name=name.strip(), draft=dict(definition))
    with transaction.atomic():
        form.save(force_insert=True)
        history.record(actor, "created", "form", form.pk, name=form.name)
        if publish:
            _publish(form, actor, "")
    return form


def save(form: Form, *, actor: Actor, name: str | None = None, definition: Mapping[str, Any] | None = None) -> Form:
    """Change the name (at once) or the draft. Raises Invalid with paths; then nothing changed."""
    wanted = {"name": form.name if name is None else name.strip(), "draft": form.draft if definition is None else dict(definition)}
    _check(wanted["name"], wanted["draft"])
    before = {key: getattr(form, key) for key in wanted}
    differing = [key for key in wanted if wanted[key] != before[key]]
    if not differing:
        return form
    for key in differing:
        setattr(form, key, wanted[key])
    with transaction.atomic():
        form.save(update_fields=[*differing, "updated_at"])
        _named(form)
        history.record(actor, "updated", "form", form.pk, before={k: before[k] for k in differing}, after={k: wanted[k] for k in differing})
    return form


def publish(form: Form, *, actor: Actor, note: str = "") -> FormVersion:
    """Make the draft what the public sees; returns the new version (the present one, when the draft is the same).

    Raises Invalid with paths for what may be in a draft but not before the public; Conflict while two versions are tried against each other.
    """
    if running(form):
        raise Conflict(_("Two versions are being compared: end that first."))
    _check(form.name, form.draft, public=True)
    now = current(form)
    if now is not None and same(now.definition, form.draft):
        return now
    with transaction.atomic():
        return _publish(form, actor, note)


def _publish(form: Form, actor: Actor, note: str) -> FormVersion:
    made = _version(form, actor, note)
    form.version = made.number
    form.save(update_fields=["version", "updated_at"])
    _named(form)
    history.record(actor, "published", "form", form.pk, version=made.number, note=note)
    return made


def _named(form: Form) -> None:
    """Let what happens to the form be told by its name, also before anybody sent it."""
    keys.resolve({(Kind.FORM_SUBMISSION, str(form.pk)): form.name})


def _version(form: Form, actor: Actor, note: str) -> FormVersion:
    Form.objects.select_for_update().get(pk=form.pk)  # two who publish at once: one after the other
    last = FormVersion.objects.filter(form_id=form.pk).order_by("-number").values_list("number", flat=True).first() or 0
    return FormVersion.objects.create(form_id=form.pk, number=last + 1, definition=form.draft, by=str(actor), at=clock.now(), note=note[:1000])


def current(form: Form) -> FormVersion | None:
    """The version the public sees; None before the first."""
    return FormVersion.objects.filter(form_id=form.pk, number=form.version).first() if form.version else None


def versions(form: Form) -> list[FormVersion]:
    """All that was published, newest first."""
    return list(FormVersion.objects.filter(form_id=form.pk).order_by("-number"))


def version(form: Form, number: int) -> FormVersion:
    """One version. Raises NotFound."""
    found = FormVersion.objects.filter(form_id=form.pk, number=number).first()
    if found is None:
        raise NotFound(_("There is no version {number}.").format(number=number))
    return found


def back_to(form: Form, number: int, *, actor: Actor) -> Form:
    """Take an earlier version as the draft; publishing it makes a new version, so that nothing is lost."""
    return save(form, actor=actor, definition=version(form, number).definition)


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two definitions, line by line: `+ …`, `- …`, and `  …` around it."""
    a, b = (json.dumps(words.whole(one), ensure_ascii=False, indent=2, sort_keys=True).splitlines() for one in (old, new))
    return [line for line in difflib.unified_diff(a, b, lineterm="", n=2) if not line.startswith(("---", "+++", "@@"))]


def is_changed(form: Form) -> bool:
    """Whether the draft says something else than what the public sees."""
    now = current(form)
    return now is None or not same(now.definition, form.draft)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions mean the same: a word left out means what it stands for."""
    return words.whole(one) == words.whole(other)


# Two versions against each other -------------------------------------------------


def split(form: Form, share: int, *, actor: Actor, note: str = "") -> FormSplit:
    """Show the draft, as a new version, to `share` percent of the visitors, and the present version to the others.

    Raises Invalid (`share`, and what `publish` says), Conflict when a test runs, or nothing was published yet.
    """
    if running(form):
        raise Conflict(_("Two versions are being compared: end that first."))
    if current(form) is None:
        raise Conflict(_("Publish the form first: there is nothing to compare with."))
    if isinstance(share, bool) or not isinstance(share, int) or not 1 <= share <= 99:
        raise Invalid.one("share", "INVALID", _("Expected a number from {low} to {high}.").format(low=1, high=99))
    if not is_changed(form):
        raise Invalid.one("definition", "UNCHANGED", _("The draft is the same as the published version."))
    _check(form.name, form.draft, public=True)
    with transaction.atomic():
        made = _version(form, actor, note)
        test = FormSplit.objects.create(form_id=form.pk, a=form.version, b=made.number, share=share, by=str(actor), started_at=clock.now())
        history.record(actor, "split", "form", form.pk, a=test.a, b=test.b, share=share)
    return test


def running(form: Form) -> FormSplit | None:
    """The test that runs now."""
    return FormSplit.objects.filter(form_id=form.pk, ended_at=None).first()


def splits(form: Form) -> list[FormSplit]:
    """All tests of a form, the newest first."""
    return list(FormSplit.objects.filter(form_id=form.pk).order_by("-id"))


def end_split(form: Form, keep: int, *, actor: Actor) -> None:
    """End the test; from now on everybody sees the version `keep`, which is one of the two. Raises NotFound and Invalid (`keep`)."""
    test = running(form)
    if test is None:
        raise NotFound(_("No versions are being compared."))
    if keep not in (test.a, test.b):
        raise Invalid.one("keep", "INVALID_OPTION", _("Expected one of {types}.").format(types=f"{test.a}, {test.b}"))
    test.ended_at, test.kept, form.version = clock.now(), keep, keep
    with transaction.atomic():
        test.save(update_fields=["ended_at", "kept"])
        form.save(update_fields=["version", "updated_at"])
        history.record(actor, "split_ended", "form", form.pk, kept=keep)


# What is not in the definition -----------------------------------------------------


def set_captcha_secret(form: Form, secret: str, *, actor: Actor) -> None:
    """Keep the secret of the captcha service, encrypted; an empty one forgets it."""
    form.captcha_secret = secrets.encrypt(secret.strip()) if secret.strip() else ""
    with transaction.atomic():
        form.save(update_fields=["captcha_secret", "updated_at"])
        history.record(actor, "updated", "form", form.pk, captcha_secret="***" if form.captcha_secret else "")


def add_file(form: Form, name: str, content: bytes, *, actor: Actor) -> int:
    """Keep a file that the form hands out (`after.file` is the id returned). Raises Invalid at `file`."""
    if not content:
        raise Invalid.one("file", "REQUIRED", _("The file is empty."))
    if len(content) > LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file may have at most {n} MB.").format(n=LARGEST // 1024 // 1024))
    with transaction.atomic():
        made = FormFile.objects.create(
            form_id=form.pk, name=files.clean_name(name), media_type=files.media_type(content), size=len(content), content=content, at=clock.now()
        )
        history.record(actor, "added", "form_file", made.pk, form=form.pk, size=made.size)
    return made.pk


def form_files(form: Form) -> list[tuple[int, str, int]]:
    """(id, name, bytes) of the files a form can hand out."""
    return list(FormFile.objects.filter(form_id=form.pk, quarantine_id=None).order_by("pk").values_list("pk", "name", "size"))


def drop_file(form: Form, id: int, *, actor: Actor) -> None:
    """Delete a file. Raises Conflict when the draft or the public version hands it out."""
    now = current(form)
    for one in (form.draft, now.definition if now else {}):
        if (one.get("after") or {}).get("file") == id:
            raise Conflict(_("The form hands this file out."))
    with transaction.atomic():
        if FormFile.objects.filter(form_id=form.pk, quarantine_id=None, pk=id).delete()[0]:
            history.record(actor, "deleted", "form_file", id, form=form.pk)


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


def answer_to(form: Form, ids: Sequence[str], *, actor: Actor) -> None:
    """Let pages that were built for these ids show this form, as those of a HubSpot form that is being moved. Replaces those said before.

    Raises Invalid (`former`) for what is no GUID, for more than FORMER, and for the id of another form.
    """
    try:
        wanted = list(dict.fromkeys(UUID(id.strip()) for id in ids if id.strip()))
    except ValueError:
        raise Invalid.one("former", "INVALID", _("An id looks like 12345678-90ab-cdef-1234-567890abcdef.")) from None
    if len(wanted) > FORMER:
        raise Invalid.one("former", "TOO_MANY", _("At most {n} ids.").format(n=FORMER))
    if wanted == form.former:
        return
    with transaction.atomic():
        taken = Form.objects.filter(Q(guid__in=wanted) | Q(former__overlap=wanted)).exclude(pk=form.pk).values_list("name", flat=True).first()
        if taken is not None:
            raise Invalid.one("former", "TAKEN", _("One of these ids belongs to the form ‘{name}’.").format(name=taken))
        before, form.former = form.former, wanted
        form.save(update_fields=["former", "updated_at"])
        history.record(actor, "updated", "form", form.pk, before={"former": [*map(str, before)]}, after={"former": [*map(str, wanted)]})


def by_guid(guid: str, *, archived: bool = False) -> Form:
    """The form of an address, its own or a former one. Raises NotFound for an unknown or archived one, and for what is no GUID."""
    try:
        form = Form.objects.filter(Q(guid=UUID(guid)) | Q(former__contains=[UUID(guid)])).first()
    except ValueError:
        form = None
    if form is None or (form.archived_at is not None and not archived):
        raise NotFound(_("There is no such form."))
    return form


def _check(name: object, definition: Any, *, public: bool = False) -> None:
    problems = [] if isinstance(name, str) and name.strip() else [Problem("name", "REQUIRED", _("A form needs a name."))]
    problems += words.publish_problems(definition) if public else words.check(definition)
    if problems:
        raise Invalid(problems)
