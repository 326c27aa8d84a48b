"""The sample company's tests of two versions of a form: one that is decided, one that has too little to say anything yet."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.demo import content, definitions
from baton.forms import shown, verbs
from baton.forms.models import Form, FormSplit, FormVersion
from baton.platform.actor import Actor

DAYS = {"webinar": 24, "newsletter": 4}  # since when two versions are shown, by form
NOTES = {"webinar": "직함을 묻지 않는 짧은 폼", "newsletter": "버튼 글귀: 무료로 받아 보기"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A running test and when it began."""

    split: FormSplit
    since: datetime


def begin(forms: dict[str, int], actor: Actor, now: datetime) -> dict[str, Trial]:
    """Let the tests run, by form; their versions are as old as the tests."""
    made = {}
    for key, days in DAYS.items():
        form, since = Form.objects.get(pk=forms[key]), now - timedelta(days=days)
        FormVersion.objects.filter(form_id=form.pk).update(at=now - timedelta(days=700))
        verbs.save(form, actor=actor, definition=_other(key))
        split = verbs.split(form, 50, actor=actor, note=NOTES[key])
        FormSplit.objects.filter(pk=split.pk).update(started_at=since)
        FormVersion.objects.filter(form_id=form.pk, number=split.b).update(at=since)
        made[key] = Trial(split, since)
    return made


def version(trial: Trial, cookie: str) -> int:
    """The version that a cookie is shown."""
    return int(trial.split.b if shown.lot(trial.split, cookie) else trial.split.a)


def _other(key: str) -> dict[str, Any]:
    other = deepcopy(definitions.definition(content.FORMS[key]))
    if key == "webinar":
        other["fields"] = [field for field in other["fields"] if field["name"] != "jobtitle"]
    else:
        other["submit_label"] = "무료로 받아 보기"
    return other
