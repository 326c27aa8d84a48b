"""When the measure itself changed: a stage's rule, or a score that decides who enters one. Numbers before and after are of different things."""

from dataclasses import dataclass
from datetime import date, datetime

from baton.analytics import periods
from baton.crm import stages
from baton.platform.models import History
from baton.segments import scoring
from baton.segments.models import ScoreVersion

RULED = ("kind", "rule")


@dataclass(frozen=True, slots=True)
class Mark:
    """A change of what is measured. `stages`: whose numbers it touches; `score`: its name and version, or nothing when the rule itself was changed."""

    at: datetime
    stages: tuple[str, ...]
    actor: str
    score: str = ""
    version: int = 0


def between(first: date, until: date) -> list[Mark]:
    """Changes in a stretch of time, oldest first."""
    start, end = periods.at(first), periods.at(until)
    rules = History.objects.filter(subject_type="lifecycle_stage", at__gte=start, at__lt=end)
    found = [Mark(row.at, (row.subject_id,), row.actor) for row in rules if set(RULED) & row.detail.keys()]
    published = ScoreVersion.objects.filter(published_at__gte=start, published_at__lt=end, number__gt=1, model__object_type="contact").select_related("model")
    versions = list(published)
    first_model = scoring.first_model() if versions else None
    for version in versions:
        names = {version.model.key} | ({""} if first_model is not None and first_model.pk == version.model.pk else set())
        touched = tuple(stage.key for stage in stages.known() if stage.rule.get("mode") in ("score", "either", "both") and stage.rule.get("model", "") in names)
        if touched and version.published_at is not None:
            found.append(Mark(version.published_at, touched, version.published_by, version.model.name, version.number))
    return sorted(found, key=lambda mark: mark.at)
