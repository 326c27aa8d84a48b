"""A score as one document: its groups, its rules and its bands. What versions keep, YAML files hold, and drafts are edited as.

```json
{"name": "Lead score", "object_type": "contact", "people": null,
 "groups": [{"key": "web", "label": "Web", "side": "engagement", "cap": null}],
 "bands": [{"key": "mql", "label": "MQL", "at_least": 35}, {"key": "sql", "label": "SQL", "at_least": 65}],
 "rules": [{"key": "demo", "group": "web", "kind": "event", "filter": {"condition": "form_submitted", "form": 3}, "points": 50,
            "times": 1, "per_item": false, "decay": {"kind": "half", "days": 30}, "expires_days": 365, "explicit": false, "active": true}]}
```

A `state` rule gives its points while its filter holds. An `event` rule has one condition about what people did and gives its points for each
time, of which the newest `times` count (null: all), each page, form or mail once with `per_item`, less with age (`decay`) and not at all after
`expires_days`. Ages are counted in whole steps, so that everybody can check them: a `half` rule halves every `days` days, a `linear` one loses
a tenth every tenth of `days`.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from baton.platform.errors import Invalid, Problem
from baton.query.catalog import Catalog
from baton.query.nodes import Performed
from baton.segments import filter as filters

MOST = 1000  # points of one rule, up or down
RULES = 200
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Points = Annotated[int, Field(ge=-MOST, le=MOST)]
Days = Annotated[int, Field(ge=1, le=3650)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Decay(_Part):
    kind: Literal["half", "linear"]
    days: Days


class Rule(_Part):
    """What gives points. `id` in the database is not here: rules are known by key."""

    key: Key
    group: Key
    kind: Literal["state", "event"] = "state"
    filter: dict[str, Any]
    points: Points
    times: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_item: bool = False
    decay: Decay | None = None
    expires_days: Days | None = None
    explicit: bool = False
    active: bool = True


class Group(_Part):
    """Rules that belong together. `cap` is the most points they give one contact together, or the least when it is negative."""

    key: Key
    label: Label
    side: Literal["fit", "engagement"] = "engagement"
    cap: Annotated[int, Field(ge=-100_000, le=100_000)] | None = None


class Band(_Part):
    """Contacts with so many points or more, up to the next band."""

    key: Key
    label: Label
    at_least: Annotated[int, Field(ge=-100_000, le=100_000)]


class People(_Part):
    """What the contacts of a company bring to its score: of the model `model`, their sum, average, highest, or how many have `at_least`."""

    model: Key
    how: Literal["sum", "average", "highest", "count"] = "sum"
    at_least: int = 0


class Card(_Part):
    name: Label
    object_type: Literal["contact", "company"] = "contact"
    people: People | None = None
    groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=30)]
    bands: Annotated[tuple[Band, ...], Field(max_length=10)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=RULES)] = ()

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def band(self, total: int) -> Band | None:
        """The band a number of points lies in; None below the first."""
        return next((band for band in reversed(self.bands) if total >= band.at_least), None)


def parse(content: Mapping[str, Any], catalog: Catalog) -> Card:
    """A checked card. Raises Invalid with all faults, each at its path: `rules.3.filter.all.0.value`, `bands.1.at_least`."""
    card = read(content)
    problems: list[Problem] = []
    groups = {group.key for group in card.groups}
    for name, keys in (("groups", [g.key for g in card.groups]), ("bands", [b.key for b in card.bands]), ("rules", [r.key for r in card.rules])):
        problems += [Problem(f"{name}.{i}.key", "DUPLICATE", _("“{key}” is there twice.").format(key=key)) for i, key in enumerate(keys) if key in keys[:i]]
    for i, (band, before) in enumerate(zip(card.bands[1:], card.bands, strict=False), 1):
        if band.at_least <= before.at_least:
            problems.append(Problem(f"bands.{i}.at_least", "INVALID_NUMBER", _("Each band begins above the one before it.")))
    if card.people and card.object_type != "company":
        problems.append(Problem("people", "UNEXPECTED_VALUE", _("Only the score of companies adds up people.")))
    for i, rule in enumerate(card.rules):
        path = f"rules.{i}"
        if rule.group not in groups:
            problems.append(Problem(f"{path}.group", "INVALID_OPTION", _("Unknown group: {group}").format(group=rule.group)))
        if rule.kind == "state":
            problems += [
                Problem(f"{path}.{name}", "UNEXPECTED_VALUE", _("Only rules about what people did have this."))
                for name in ("times", "decay", "expires_days")
                if getattr(rule, name) is not None
            ]
        try:
            node = filters.parse(rule.filter, catalog, object_type=card.object_type)
        except Invalid as error:
            problems += [Problem(f"{path}.filter.{p.path}" if p.path else f"{path}.filter", p.code, p.message) for p in error.problems]
            continue
        if rule.kind == "event" and not (isinstance(node, Performed) and node.countable):
            problems.append(Problem(f"{path}.filter", "NOT_COUNTABLE", _("Only one condition about what people did can be counted.")))
    if problems:
        raise Invalid(problems)
    return card


def read(content: Mapping[str, Any]) -> Card:
    """A card whose filters and links between its parts are not looked at: what was stored. Raises Invalid."""
    try:
        return Card.model_validate_json(json.dumps(content))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise Invalid([Problem(".".join(map(str, e["loc"])), *filters.said(e["type"], e.get("ctx", {}), e["msg"])) for e in faults]) from error
