"""Which version of a form a visitor sees, and which one an answer is checked against."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from baton.events.wire import is_cookie
from baton.forms import verbs
from baton.forms.definition import Definition, whole
from baton.forms.models import Form, FormSplit, FormVersion
from baton.platform import clock
from baton.platform.errors import NotFound

OPEN = timedelta(days=7)  # for so long a page that was open when another version came may still send its own


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as shown to somebody; `split_id` when a lot decided that it is this one."""

    number: int
    definition: Definition
    split_id: int | None = None


def to(form: Form, cookie: str = "") -> Shown:
    """What a visitor sees. While two versions are compared the cookie draws the lot; who has none sees the first. Raises NotFound before publishing."""
    test = verbs.running(form)
    if test is None:
        return _of(verbs.current(form))
    drawn = is_cookie(cookie)
    number = test.b if drawn and lot(test, cookie) else test.a
    return _of(verbs.version(form, number), test.pk if drawn else None)


def both(form: Form) -> tuple[list[Shown], FormSplit | None]:
    """All that is shown now: one version, or the two of a test."""
    test = verbs.running(form)
    if test is None:
        return [_of(verbs.current(form))], None
    return [_of(verbs.version(form, test.a), test.pk), _of(verbs.version(form, test.b), test.pk)], test


def answered(form: Form, number: int, cookie: str = "") -> Shown:
    """The version an answer was given to: the one it names, if that is or was shown within OPEN, else the one shown now."""
    now = to(form, cookie)
    if number in (0, now.number):
        return now
    row = FormVersion.objects.filter(form_id=form.pk, number=number).first()
    if row is None:
        return now
    test = verbs.running(form)
    if test is not None and number in (test.a, test.b):
        return _of(row)  # shown, though not by lot: a shared link, or a cookie that came later
    later = FormVersion.objects.filter(form_id=form.pk, number__gt=number).order_by("number").values_list("at", flat=True).first()
    tried = FormSplit.objects.filter(form_id=form.pk, ended_at__gt=clock.now() - OPEN, b=number).exists()
    return _of(row) if tried or (later is not None and later > clock.now() - OPEN) else now


def lot(test: FormSplit, cookie: str) -> bool:
    """Whether the cookie draws the second version: FNV-1a over test and cookie, the same in form-embed.ts."""
    found = 0x811C9DC5
    for letter in f"{test.pk}:{cookie}".encode():
        found = ((found ^ letter) * 0x01000193) & 0xFFFFFFFF
    return found % 100 < test.share


def _of(row: FormVersion | None, split_id: int | None = None) -> Shown:
    if row is None:
        raise NotFound(_("There is no such form."))
    definition: dict[str, Any] = row.definition
    return Shown(row.number, whole(definition), split_id)
