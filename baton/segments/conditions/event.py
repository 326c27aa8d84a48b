"""`placed an order of more than 100,000 at least twice this quarter`: any kind of event, and what is known of one and the same."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field, field_validator

from baton.crm.uses import Mention
from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog, Match
from baton.query.errors import FilterError
from baton.query.nodes import EventTest, KeyTest, Node, PayloadTest, Total
from baton.segments.condition import Happened, Number, Text, Word, as_value, both, tagged

Happening = Literal[
    "page_view", "page_dwell", "cta_click", "download", "form_submission", "identified", "email_sent", "email_open", "email_click", "email_bounce",
    "email_complaint", "email_reply", "email_auto_reply", "email_unsubscribe",
    "score_changed", "stage_changed", "segment_joined", "segment_left", "verdict_given",
    "pause_started", "pause_ended", "workflow_enrolled", "workflow_finished", "note", "call",
    "meeting", "task", "email_logged", "message_logged", "custom_event", "attended",
    "form_view", "form_start", "form_abandon", "page_scroll", "outbound_click", "video_watched", "tracking_choice", "link_click", "said_who",
]  # fmt: skip
BY_MACHINES = frozenset({Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.LINK_CLICK})
ABOUT: dict[str, tuple[Match, bool]] = {  # operator over what an event was about: how its keys are found, and whether they are those that do not fit
    "is": ("is", False),
    "is_not": ("is", True),
    "starts_with": ("starts", False),
    "contains": ("contains", False),
    "not_contains": ("contains", True),
    "any_of": ("any_of", False),
    "none_of": ("any_of", True),
    "tagged": ("tagged", False),
    "not_tagged": ("tagged", True),
}
NUMBERED: dict[str, Literal["form", "email", "segment"]] = {  # what the `about` of an event is the number of
    "form_submission": "form", "email_sent": "email", "email_open": "email", "email_click": "email", "email_bounce": "email",
    "email_complaint": "email", "email_reply": "email", "email_auto_reply": "email",
    "segment_joined": "segment", "segment_left": "segment",
}  # fmt: skip


class Test(BaseModel):
    """What must be true of the event: `about` (what it was about), `value` (its number: seconds, points …) or a property of it, by its type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    property: Word
    operator: Word
    value: Any = None
    case: bool = False

    _value = field_validator("value")(as_value)


class Sum(BaseModel):
    """The sum of a number over all that fit, from `at_least` to `at_most`; nothing is 0."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    of: Word = "value"
    at_least: Number | None = None
    at_most: Number | None = None


class Event(Happened):
    """Any kind of event. `about`, `tag` and `name` (of an event of one's own) say which; all `tests` are of one and the same event.

    With `which` the first or last of those is looked at, and passes the tests; with `sum` a number is added up over them.
    """

    key = "event"
    label = gettext_noop("Event")

    event: Happening
    name: Text = ""
    about: Text = ""
    match: Literal["is", "starts", "contains"] = "is"
    tag: Text = ""
    tests: Annotated[list[Test], Field(max_length=20)] = []
    sum: Sum | None = None
    machines: bool = False

    def lower(self, catalog: Catalog) -> Node:
        kind = Kind[self.event.upper()]
        keys = both(catalog.event_keys(kind, self.match, self.about) if self.about else None, tagged(kind, self.tag, catalog))
        if kind == Kind.CUSTOM_EVENT:
            keys = both(keys, self._own(catalog))
        elif self.name:
            raise FilterError("name", "UNEXPECTED_VALUE", gettext_noop("Only events of one’s own have names."))
        people: tuple[PayloadTest, ...] = (PayloadTest("machine", "missing"),) if kind in BY_MACHINES and not self.machines else ()
        tests = tuple(_test(test, f"tests.{i}", kind, catalog) for i, test in enumerate(self.tests))
        total = None if self.sum is None else Total(self.sum.of, self.sum.at_least, self.sum.at_most)
        return self.performed([kind], keys, where=(*people, *tests), total=total, event=self.name)

    def mentions(self, object_type: str) -> Iterable[Mention]:
        if self.name:
            yield Mention("event", self.name)
        if self.event in NUMBERED and self.match == "is" and self.about:
            yield Mention(NUMBERED[self.event], self.about)

    def _own(self, catalog: Catalog) -> tuple[int, ...]:
        if catalog.event(self.name) is None:
            code = "EVENT_DOESNT_EXIST" if self.name else "REQUIRED"
            raise FilterError("name", code, gettext_noop("There is no event “{name}”."), name=self.name)
        return catalog.event_keys(Kind.CUSTOM_EVENT, "is", self.name)


def _test(test: Test, path: str, kind: Kind, catalog: Catalog) -> EventTest | KeyTest:
    """The node of one test. Raises FilterError for an `about` that cannot be asked like that."""
    if test.property != "about":
        return EventTest(test.property, test.operator, test.value, test.case)
    if test.operator not in ABOUT:
        text = gettext_noop("“{name}” has no operator “{operator}”. It has: {choices}.")
        raise FilterError(f"{path}.operator", "INVALID_OPERATOR", text, name=test.property, operator=test.operator, choices=", ".join(ABOUT))
    how, negative = ABOUT[test.operator]
    asked = list(test.value) if isinstance(test.value, tuple) else [test.value]
    if (how == "any_of") != isinstance(test.value, tuple) or not asked or not all(isinstance(one, str) and one for one in asked):
        raise FilterError(
            f"{path}.value", "REQUIRED", gettext_noop("Give at least one value, as a list.") if how == "any_of" else gettext_noop("Give one value.")
        )
    return KeyTest(catalog.event_keys(kind, how, [str(one) for one in asked] if how == "any_of" else str(asked[0])), negative)
