"""What follows changes: scores, then lists, then life-cycle stages, each for those contacts and definitions only that can care."""

from collections.abc import Mapping
from datetime import datetime

from baton.platform import changes
from baton.platform.changes import Batch, Change
from baton.platform.jobs import drain, every, job
from baton.segments import company_scores, definitions, edges, exports, lifecycle, locks, pauses, refresh, scoring, sizes, undone, verdicts
from baton.segments.models import ScoreModel, ScoreRule, Segment

BUSY = 1.0  # seconds until contacts are looked at again for what is being evaluated for everybody


@changes.on_change(order=20)
def scores(batch: Batch, unseen: list[Change]) -> None:
    """Score again who is touched by a change that a rule looks at, who was given points, and whose time has come."""
    there = ScoreRule.objects.filter(active=True, model__object_type="contact", model__archived_at=None)
    rules = list(there.values_list("id", "model_id", "filter", "depends"))
    awake = definitions.woken("rule", {id: (stored, depends) for id, _model, stored, depends in rules}, unseen)
    whom: dict[int, set[int]] = {}
    for id, model_id, _stored, _depends in rules:
        if id in awake:
            whom.setdefault(model_id, set()).update(awake[id])
    for change in unseen:
        if change.kind == "entry":
            whom.setdefault(int(change.key), set()).add(change.contact_id)
        elif change.kind == "edge" and change.key.startswith(edges.MODEL):
            whom.setdefault(int(change.key.removeprefix(edges.MODEL)), set()).add(change.contact_id)
    for model_id in sorted(_not_busy("model", edges.MODEL, whom)):
        scoring.some(whom[model_id], models=[model_id], batch=batch)


def _not_busy(what: locks.What, prefix: str, whom: Mapping[int, set[int]]) -> set[int]:
    """Those that no full evaluation holds. For the others these contacts come again: a million people being scored anew hold up nobody else's tick."""
    if not whom:
        return set()
    free = locks.free(what, whom)
    changes.append_later((Change(id, "edge", f"{prefix}{busy}") for busy in sorted(whom.keys() - free) for id in sorted(whom[busy])), BUSY)
    return free


@changes.on_change(order=25)
def companies(_batch: Batch, unseen: list[Change]) -> None:
    """Score companies that wait, and let those wait whose people have other points."""
    company_scores.some({c.contact_id for c in unseen if c.kind == "company" and c.key != company_scores.PROPERTY})
    if any(c.kind in ("score", "identity") for c in unseen):
        company_scores.waiting(unseen)


@changes.on_change(order=30)
def lists(batch: Batch, unseen: list[Change]) -> None:
    """Evaluate the lists that look at what changed, for whom it changed."""
    stored = {id: (filter, depends) for id, filter, depends in Segment.objects.filter(kind="active", archived_at=None).values_list("id", "filter", "depends")}
    awake = definitions.woken("segment", stored, unseen)
    refresh.each({id: sorted(awake[id]) for id in _not_busy("segment", edges.SEGMENT, awake)}, batch=batch)


@changes.on_change(order=40)
def stages(batch: Batch, unseen: list[Change]) -> None:
    """Move forward whom a rule of entry calls, and give new contacts a stage."""
    lifecycle.some(lifecycle.woken(unseen), batch=batch)


@changes.on_change(order=41)
def unmake(batch: Batch, unseen: list[Change]) -> None:
    """Take back the stage of those who are there only because of what a program did."""
    if ids := undone.demoted(unseen):
        batch.add(undone.settle(ids, _count))


def _count(touched: list[Change]) -> None:
    """Score and list whom these changes touch, here and now."""
    apart = Batch([*touched])
    scores(apart, touched)
    lists(apart, [*apart.changes])


@changes.on_change(order=35)
def wake(batch: Batch, unseen: list[Change]) -> None:
    """End the pauses of those whose wake-up condition has come true."""
    pauses.wake({c.contact_id for c in unseen})


@changes.on_change(order=45)
def verdict(batch: Batch, unseen: list[Change]) -> None:
    """Who became an SQL anew waits for a new verdict; who was merged has that of both."""
    if ids := {c.contact_id for c in unseen if c.kind == "identity" or (c.kind == "stage" and c.key == verdicts.SQL)}:
        verdicts.settle(ids)


@drain("pauses")
def pauses_end() -> int:
    """End the pauses whose day has come."""
    return pauses.look()


@drain("edges")
def time_moves() -> int:
    """Wake definitions for the contacts whose time has come; returns how many changes that made."""
    return edges.look()


@job
def evaluate_list(segment_id: int, asked: str) -> None:
    """All members of a list, after its filter changed at `asked`. A later change has a job of its own."""
    segment = Segment.objects.filter(pk=segment_id).first()
    if segment is not None and segment.updated_at == datetime.fromisoformat(asked):
        refresh.everyone(segment)


@job
def evaluate_model(model_id: int, rules_version: int) -> None:
    """All scores of a model, after this version was published, and what its bands decide. A later version has a job of its own."""
    model = ScoreModel.objects.filter(pk=model_id, archived_at=None).first()
    if model is None or model.version != rules_version:
        return
    if model.object_type == "company":
        company_scores.everyone(model)
        return
    scoring.everyone(model)
    if lifecycle.looks_at(model):
        lifecycle.everyone()
    if other_bands(model):  # who is in which one changes although his points do not
        for segment in Segment.objects.filter(kind="active", archived_at=None, depends__scores__contains=model.pk):
            refresh.everyone(segment)


def other_bands(model: ScoreModel) -> bool:
    """Whether the published version has other bands than the one before."""
    published = model.versions.filter(published_at__isnull=False).order_by("-published_at").values_list("content", flat=True)[:2]
    return len({str(content.get("bands")) for content in published}) > 1


@every("43 * * * *")
def company_dates() -> None:
    """Rules of companies about dates ("in the next 30 days") turn with the clock."""
    for model in ScoreModel.objects.filter(object_type="company", archived_at=None):
        company_scores.everyone(model)


@job
def evaluate_stages() -> None:
    """All life-cycle stages, after a rule of entry changed."""
    lifecycle.everyone()


@job
def run_export(export_id: int) -> None:
    """Write the file of an export."""
    exports.run(export_id)


@every("55 23 * * *")
def count_lists() -> None:
    """The sizes of all lists at the end of the day, counted."""
    sizes.count_all()


@every("20 3 * * *")
def expire_exports() -> None:
    """Throw old files away."""
    while exports.expire():
        pass


@job
def run_backtest(backtest_id: int) -> None:
    """Try a score on the past."""
    from baton.segments import backtest  # it puts this job in the queue

    backtest.run(backtest_id)
