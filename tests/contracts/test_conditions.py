"""What every condition keeps, whichever it is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from baton.messaging.models import SubscriptionType
from baton.query.operators import OPERATORS
from baton.segments import catalog, filter
from baton.segments.condition import Condition, Happened, conditions
from baton.segments.models import ScoreModel, Segment

pytestmark = pytest.mark.django_db
ALL = sorted(conditions().items())
DOCS = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text()
EXAMPLES: list[dict[str, Any]] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS, re.S)]

# what must be said for a condition that asks for something
NEEDED = {
    "property": {"property": "city", "operator": "is", "value": "서울"},
    "company_property": {"property": "industry", "operator": "any_of", "value": ["it"]},
    "score": {"at_least": 35},
    "in_segment": {"segment": 1},
    "event": {"event": "page_view"},
    "stage": {"stages": ["mql"]},
    "mail_state": {"state": "bounced"},
    "source": {"sources": ["search"]},
    "verdict": {"verdicts": ["ready"]},
    "news": {"news": 1},
}


@pytest.fixture(autouse=True)
def _known() -> None:
    Segment.objects.create(pk=1, name="VIP")
    SubscriptionType.objects.get_or_create(pk=1, defaults={"key": "newsletter-1", "names": {"ko": "뉴스레터", "en": "Newsletter"}})
    ScoreModel.objects.create(pk=1, key="lead", name="Lead score", bands=[{"key": "mql", "label": "MQL", "at_least": 35}])


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_condition_can_be_read_meant_and_said(key: str, kind: type[Condition]) -> None:
    assert key == kind.key
    assert kind.__module__ == f"baton.segments.conditions.{key}"
    assert kind.label
    stored = {"condition": key, **NEEDED.get(key, {})}
    filter.parse(stored, catalog.current())
    assert filter.sentence(stored) not in ("", filter.sentence({"condition": "horoscope"}))


@pytest.mark.parametrize(("key", "kind"), ALL)
def test_a_condition_is_documented_with_all_its_fields(key: str, kind: type[Condition]) -> None:
    (section,) = re.findall(rf"^### `{key}`\n(.*?)(?=^#|\Z)", DOCS, re.M | re.S)
    (shared,) = re.findall(r"^## How often and when\n(.*?)(?=^#|\Z)", DOCS, re.M | re.S)
    told = section + (shared if issubclass(kind, Happened) else "")
    assert {name for name in kind.model_fields if f"`{name}`" not in told} == set()
    assert any(example["condition"] == key for example in EXAMPLES if "condition" in example)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"example {n}" for n in range(len(EXAMPLES))])
def test_the_examples_of_the_docs_can_be_read(example: dict[str, Any]) -> None:
    filter.parse(example, catalog.current())


def test_the_docs_have_no_other_condition() -> None:
    assert sorted(re.findall(r"^### `(\w+)`", DOCS, re.M)) == [key for key, _ in ALL]


@pytest.mark.parametrize("type_", sorted(OPERATORS))
def test_the_operators_of_a_type_are_documented(type_: str) -> None:
    (row,) = re.findall(rf"^\|[^|]*`{type_}`[^|]*\|(.*)\|$", DOCS, re.M)
    assert re.findall(r"`(\w+)`", row) == list(OPERATORS[type_])  # type: ignore[index]
