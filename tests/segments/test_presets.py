"""The scores to begin with: they can be read, and give the points the guides they follow name."""

from datetime import timedelta

import pytest

from baton.crm import records
from baton.events import keys, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.segments import card, cards, catalog, presets, scoring
from baton.segments.models import Score

pytestmark = pytest.mark.django_db


def person(**props: object) -> int:
    return int(records.create("contact", {"email": f"p{clock.now().timestamp()}@acme.example", **props}, actor=SYSTEM, source="api"))


def did(him: int, kind: Kind, about: str, *, times: int = 1, value: float | None = None) -> None:
    record.add(NewEvent(him, kind, clock.now() - timedelta(minutes=n + 1), key_value=about, value=value) for n in range(times))


def points(model: object, him: int) -> int:
    scoring.everyone(model)  # type: ignore[arg-type]
    return int(next(iter(Score.objects.filter(contact_id=him).values_list("total", flat=True)), 0))


@pytest.mark.parametrize("key", presets.PRESETS)
def test_each_can_be_read_and_goes_through_a_file(key: str) -> None:
    content = presets.PRESETS[key].content()
    read = card.parse(content, catalog.current())
    assert cards.from_yaml(cards.to_yaml(read)) == read.to_json()


def test_a_whitepaper_and_a_demo_make_eighty() -> None:
    model = cards.create(presets.PRESETS["s1-35-65"].content(), actor=SYSTEM)
    keys.tag(Kind.FORM_SUBMISSION, "1", tags=["middle"])
    keys.tag(Kind.FORM_SUBMISSION, "2", tags=["late", "demo"])
    him = person()
    did(him, Kind.FORM_SUBMISSION, "1")
    did(him, Kind.FORM_SUBMISSION, "2")
    assert points(model, him) == 80


def test_visits_count_in_ranges() -> None:
    model = cards.create(presets.PRESETS["s1-35-65"].content(), actor=SYSTEM)
    him = person()
    seen = []
    for _visit in range(6):
        did(him, Kind.PAGE_VIEW, f"shop.example/{_visit}")
        seen.append(points(model, him))
    assert seen == [0, 3, 3, 3, 3, 6]


def test_a_small_market_counts_titles_visits_and_meetings() -> None:
    model = cards.create(presets.PRESETS["s3-small"].content(), actor=SYSTEM)
    ranks = {title: points(model, person(jobtitle=title)) for title in ("사원", "과장", "부장", "대표이사")}
    assert ranks == {"사원": 1, "과장": 2, "부장": 3, "대표이사": 4}
    him = person()
    did(him, Kind.PAGE_VIEW, "shop.example/")
    did(him, Kind.PAGE_DWELL, "shop.example/", value=61)
    did(him, Kind.DOWNLOAD, "shop.example/brochure.pdf")
    assert points(model, him) == 4
    did(him, Kind.MEETING, "COMPLETED")
    did(him, Kind.CUSTOM_EVENT, "webinar_attended")
    assert points(model, him) == 4 + 2 + 3
