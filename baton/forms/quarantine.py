"""Answers that look like spam: kept outside the contacts, looked at by people, gone after 30 days."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from baton.crm import files
from baton.forms import fields, submissions
from baton.forms.fields import Upload
from baton.forms.models import Form, FormFile, Quarantine
from baton.forms.shown import Shown
from baton.forms.submissions import Submission
from baton.platform import clock, history, logs
from baton.platform.actor import Actor
from baton.platform.errors import NotFound

KEPT = timedelta(days=30)
MOST = 5_000  # of one form: a flood does not fill the disk
LARGEST = 100_000  # characters of an answer; no person writes more
FILES = 200 * 1024 * 1024  # bytes of the files that wait with the answers of one form
SENT = ("cookie", "page_url", "page_title", "boxes", "spoken", "lenient", "version", "network", "via")  # what of `submit` is kept

log = logs.log(__name__)


def keep(form: Form, seen: Shown, reasons: Sequence[str], values: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Put an answer aside, with the files the form asks for. `about`: what `submissions.submit` takes beside the values.

    Full: it is dropped, with a line in the log.
    """
    plain = {str(name)[:200]: value for name, value in values.items()}
    uploads = fields.fitting(seen.definition, about.get("uploads") or {})
    if Quarantine.objects.filter(form_id=form.pk).count() >= MOST or len(str(plain)) > LARGEST or (uploads and not _room(form, uploads)):
        log.warning("an answer that looks like spam was dropped", form=form.pk, reasons=list(reasons))
        return
    with transaction.atomic():
        row = Quarantine.objects.create(
            form_id=form.pk, version=seen.number, reasons=list(reasons), values=_storable(plain), sent=_storable({k: about[k] for k in SENT if k in about}),
            network=about.get("network", ""), at=about.get("at") or clock.now(),
        )  # fmt: skip
        FormFile.objects.bulk_create(
            FormFile(
                form_id=form.pk, quarantine_id=row.pk, field=field, name=files.clean_name(one.name), media_type=files.media_type(one.content),
                size=len(one.content), content=one.content, at=row.at,
            )
            for field, one in uploads.items()
        )  # fmt: skip


def _room(form: Form, uploads: Mapping[str, Upload]) -> bool:
    held = FormFile.objects.filter(form_id=form.pk, quarantine_id__isnull=False).aggregate(size=Sum("size"))["size"] or 0
    return bool(held + sum(len(one.content) for one in uploads.values()) <= FILES)


def listing(form: Form | None = None, *, before: int | None = None, limit: int = 50) -> list[Quarantine]:
    """What waits, newest first; of one form or of all. `before`: the id the last page ended with."""
    rows = Quarantine.objects.order_by("-id")
    if form is not None:
        rows = rows.filter(form_id=form.pk)
    return list((rows if before is None else rows.filter(id__lt=before))[:limit])


def count(form: Form | None = None) -> int:
    """How many wait."""
    rows = Quarantine.objects.all()
    return (rows if form is None else rows.filter(form_id=form.pk)).count()


def release(id: int, *, actor: Actor) -> Submission:
    """Take an answer as if it were sent then, and forget it here.

    Raises NotFound, and Invalid where it does not fit the form: it stays. Whoever releases it vouches for it; the rest is checked as always.
    """
    with transaction.atomic():
        row = Quarantine.objects.select_for_update().filter(pk=id).first()
        form = Form.objects.filter(pk=row.form_id).first() if row else None
        if row is None or form is None:
            raise NotFound(_("It is not in quarantine any more."))
        uploads = {one.field: Upload(one.name, bytes(one.content)) for one in FormFile.objects.filter(quarantine_id=row.pk)}
        sent = {**row.sent, "via": "released", "version": row.version}
        done = submissions.submit(form, row.values, **sent, at=row.at, uploads=uploads, key=f"quarantine:{row.pk}")
        _forget([row.pk])
        history.record(actor, "released", "form_quarantine", row.pk, form=form.pk, contact=done.contact_id)
    return done


def delete(ids: Sequence[int], *, actor: Actor) -> int:
    """Throw answers away; returns how many there were."""
    with transaction.atomic():
        gone = _forget(ids)
        if gone:
            history.record(actor, "deleted", "form_quarantine", ",".join(map(str, sorted(ids)[:100])), rows=gone)
    return gone


def expire() -> int:
    """Throw away what is older than KEPT; returns how many."""
    return _forget(list(Quarantine.objects.filter(at__lt=clock.now() - KEPT).values_list("pk", flat=True)[:MOST]))


def of_person(words: Collection[str]) -> list[int]:
    """The ids of answers that name one of these words (addresses, numbers, cookies), in any case."""
    wanted = [word.casefold() for word in words if word]
    rows = Quarantine.objects.values_list("pk", "values", "sent") if wanted else []
    return [pk for pk, values, sent in rows if any(word in f"{values} {sent}".casefold() for word in wanted)]


def _forget(ids: Sequence[int]) -> int:
    FormFile.objects.filter(quarantine_id__in=list(ids)).delete()
    return Quarantine.objects.filter(pk__in=list(ids)).delete()[0]


def _storable(value: Any) -> Any:
    """Texts that PostgreSQL can keep: what robots send need not be."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "ignore").decode()
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(str(name)): _storable(one) for name, one in value.items()}
    return value
