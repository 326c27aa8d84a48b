"""Content by consideration stage: how much there is for whom, how much of it is used, and what is missing, in words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.content.assets import KINDS, STAGES
from baton.content.models import Asset, AssetCount

FEW = 1  # as many in a stage are hardly a choice
DIFFERENT = 3  # with fewer pieces in all, one in a stage is no gap yet


@dataclass(frozen=True, slots=True)
class Cell:
    """The published content of one stage and one topic (or kind)."""

    assets: tuple[Asset, ...] = ()
    used: int = 0  # views and downloads of the last days

    @property
    def n(self) -> int:
        return len(self.assets)


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    label: str
    cells: dict[str, Cell]  # by stage


@dataclass(frozen=True, slots=True)
class Report:
    """`rows` by topic or kind; `total` is everything; `gaps` in words, the worst first; `unused`: published and hardly looked at."""

    rows: list[Row]
    total: Row
    gaps: list[str]
    unused: list[Asset]
    without_topic: int


def report(found: Collection[Asset], numbers: Mapping[int, AssetCount], by: str = "kind") -> Report:
    """The report over published content, by "kind" or by "topic"."""
    published = [asset for asset in found if asset.published_at is not None and asset.archived_at is None]
    used = {asset.pk: _used(numbers.get(asset.pk)) for asset in published}
    topics = sorted({topic for asset in published for topic in asset.topics})
    by_topic = [_row(key, key.replace("_", " "), [asset for asset in published if key in asset.topics], used) for key in topics]
    by_kind = [_row(key, str(label), [asset for asset in published if asset.kind == key], used) for key, label in KINDS.items()]
    total = _row("", _("All"), published, used)
    unused = sorted((asset for asset in published if used[asset.pk] == 0), key=lambda asset: asset.published_at or asset.created_at)
    return Report(by_topic if by == "topic" else by_kind, total, _gaps(total, by_topic, published), unused, sum(not asset.topics for asset in published))


def _row(key: str, label: str, some: Collection[Asset], used: Mapping[int, int]) -> Row:
    cells = {}
    for stage in STAGES:
        here = tuple(asset for asset in some if asset.stage == stage)
        cells[stage] = Cell(here, sum(used[asset.pk] for asset in here))
    return Row(key, label, cells)


def _used(row: AssetCount | None) -> int:
    return row.views + row.downloads if row else 0


def _gaps(total: Row, topics: Collection[Row], published: Collection[Asset]) -> list[str]:
    nothing = {
        "early": _("There is nothing for readers who are learning that they have the problem (early). They find somebody else first."),
        "middle": _("There is nothing for readers who compare ways to solve it (middle). Nobody gives an address for what is not there."),
        "late": _("There is nothing for readers who decide (late): cases, prices, what an introduction takes. Sales answers these questions one by one."),
    }
    few = {
        "early": _("There is only one piece for readers who are learning (early)."),
        "middle": _("There is only one piece for readers who compare (middle)."),
        "late": _("There is only one piece for readers who decide (late)."),
    }
    gaps = [nothing[stage] for stage, cell in total.cells.items() if not cell.n]
    gaps += [few[stage] for stage, cell in total.cells.items() if cell.n == FEW and len(published) > DIFFERENT]
    for row in topics:
        missing = [str(STAGES[stage]) for stage, cell in row.cells.items() if not cell.n and total.cells[stage].n]
        if missing and sum(cell.n for cell in row.cells.values()) >= 2:
            gaps.append(_("“{topic}” has nothing for: {stages}.").format(topic=row.label, stages=", ".join(missing)))
    if not any(asset.stage == "middle" and asset.form_id for asset in published) and total.cells["middle"].n:
        gaps.append(_("Nothing in the middle asks a form: readers who compare stay strangers."))
    return gaps
