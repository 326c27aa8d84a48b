"""Whom colleagues met: the attendees of the webinar and the cards of a fair, each a list that was imported."""

from datetime import datetime, timedelta

from baton.crm.imports.options import Options
from baton.crm.models import Import
from baton.demo.book import Event
from baton.demo.sample import Sample
from baton.events.vocabulary import Kind

WEBINAR, FAIR = "2027 인사 제도 변화와 대응", "2026 HR 박람회"
WEBINAR_DAYS, FAIR_DAYS = 8, 10  # days ago
CARDS = 0.005  # of a contact: whom nobody knew before the fair


def prepare(sample: Sample) -> None:
    """The imports that made contacts; whose card was new at the fair is known since then."""
    now = sample.now
    sample.imports["past"] = _import(sample, "기존 고객과 명함 정리.xlsx", now - timedelta(days=790), {})
    sample.imports["fair"] = _import(sample, "HR박람회 명함.xlsx", now - timedelta(days=FAIR_DAYS), _met("fair", FAIR, now - timedelta(days=FAIR_DAYS)))
    sample.imports["webinar"] = _import(
        sample, "웨비나 참석자.csv", now - timedelta(days=WEBINAR_DAYS), _met("webinar", WEBINAR, now - timedelta(days=WEBINAR_DAYS))
    )
    met, most = _at(sample, "fair"), max(3, round(len(sample.people) * CARDS))
    quiet = [p for p in sample.people[1:] if not any(p.hits.get(name) for name in ("newsletter", "webinar_form", "whitepaper", "demo", "pageview", "webinar"))]
    for person in sample.people:
        person.origin = f"import:{sample.imports['past'].pk}"
    for person in sample.luck("cards").sample(quiet, min(most, len(quiet))):
        person.created, person.seen, person.source = met, max(met, person.seen), "exhibition"
        person.origin = f"import:{sample.imports['fair'].pk}"
        sample.cards.append(person)


def attend(sample: Sample) -> None:
    """Who was there, as events of the contacts."""
    rng = sample.luck("attendance")
    there = {"webinar": [id for id, _at in sample.book.attended], "fair": [person.id for person in sample.cards]}
    for which, ids in there.items():
        made, at = sample.imports[which], _at(sample, which)
        name, about = str(made.options["occasion_name"]), {"import": made.pk, "occasion": made.options["occasion"]}
        for id in ids:
            minutes = float(min(60, round(rng.triangular(6, 75, 58)))) if which == "webinar" else None
            sample.book.events.append(Event(id, at, Kind.ATTENDED, name, "", minutes, about, made.pk))
        new = len(ids) if which == "fair" else 0
        made.rows = made.position = len(ids)
        made.counts = {"created": new, "updated": 0, "same": len(ids) - new, "skipped": 0, "double": 0, "faulty": 0, "linked": 0}
        made.save(update_fields=["rows", "position", "counts"])


def _at(sample: Sample, which: str) -> datetime:
    return Options.of(sample.imports[which].options).met_at


def _met(occasion: str, name: str, day: datetime) -> dict[str, str]:
    return {"occasion": occasion, "occasion_name": name, "occasion_day": day.date().isoformat()}


def _import(sample: Sample, name: str, at: datetime, options: dict[str, str]) -> Import:
    return Import.objects.create(
        object_type="contact", name=name, size=41_000, state="done", options={**Options().stored(), **options}, actor=str(sample.setting.actor),
        created_at=at, started_at=at, ended_at=at + timedelta(seconds=9),
    )  # fmt: skip
