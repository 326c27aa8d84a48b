"""What filters may mention, from the database: properties, lists, scores, and what events were about. Asked for when needed, once."""

from collections.abc import Sequence
from functools import cached_property
from typing import cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm import properties, types
from baton.events import keys
from baton.events.models import EventKey
from baton.events.vocabulary import Kind, key_kind
from baton.platform.errors import NotFound
from baton.query.catalog import Match, Property, SegmentInfo, Type
from baton.segments import mentions
from baton.segments.models import ScoreModel, Segment

KINDS = {
    Kind.PAGE_VIEW: gettext_noop("page viewed"),
    Kind.PAGE_DWELL: gettext_noop("stayed on a page"),
    Kind.CTA_CLICK: gettext_noop("button clicked"),
    Kind.DOWNLOAD: gettext_noop("file downloaded"),
    Kind.FORM_SUBMISSION: gettext_noop("form submitted"),
    Kind.IDENTIFIED: gettext_noop("visitor recognised"),
    Kind.EMAIL_SENT: gettext_noop("e-mail sent"),
    Kind.EMAIL_OPEN: gettext_noop("e-mail opened"),
    Kind.EMAIL_CLICK: gettext_noop("e-mail clicked"),
    Kind.EMAIL_BOUNCE: gettext_noop("e-mail bounced"),
    Kind.EMAIL_UNSUBSCRIBE: gettext_noop("unsubscribed"),
    Kind.SCORE_CHANGED: gettext_noop("score changed"),
    Kind.STAGE_CHANGED: gettext_noop("lifecycle stage changed"),
    Kind.SEGMENT_JOINED: gettext_noop("joined a list"),
    Kind.SEGMENT_LEFT: gettext_noop("left a list"),
    Kind.VERDICT_GIVEN: gettext_noop("verdict of sales"),
    Kind.PAUSE_STARTED: gettext_noop("paused"),
    Kind.PAUSE_ENDED: gettext_noop("pause ended"),
    Kind.WORKFLOW_ENROLLED: gettext_noop("enrolled in a workflow"),
    Kind.WORKFLOW_FINISHED: gettext_noop("finished a workflow"),
    Kind.NOTE: gettext_noop("note"),
    Kind.CALL: gettext_noop("call"),
    Kind.MEETING: gettext_noop("meeting"),
    Kind.TASK: gettext_noop("task done"),
    Kind.EMAIL_LOGGED: gettext_noop("e-mail logged"),
    Kind.MESSAGE_LOGGED: gettext_noop("message logged"),
    Kind.CUSTOM_EVENT: gettext_noop("event of one’s own"),
}
CREATED = gettext_noop("Created")
CHANGED = gettext_noop("Last changed")
NUMBER = gettext_noop("Record number")
ARCHIVED = gettext_noop("Archived")
SAME = {"createdate": "created_at"}  # what stored filters may call a property


def current() -> "Current":
    """The catalog as it is now. Do not keep it longer than the work at hand."""
    return Current()


class Current:
    """A query.catalog.Catalog over the database."""

    def __init__(self) -> None:
        self._properties: dict[str, dict[str, Property]] = {}
        self._segments: dict[int, SegmentInfo | None] = {}
        self._keys: dict[tuple[int, Match, str | tuple[str, ...]], tuple[int, ...]] = {}

    def property(self, object_type: str, name: str) -> Property | None:
        return self.properties(object_type).get(SAME.get(name, name))

    def properties(self, object_type: str) -> dict[str, Property]:
        """All that can be compared of an object type, in display order; empty for a type there is not."""
        if object_type not in self._properties:
            self._properties[object_type] = _properties(object_type)
        return self._properties[object_type]

    def relation(self, object_type: str) -> str | None:
        kind = types.known().get(object_type)
        return None if kind is None else types.label(kind)

    def segment(self, segment_id: int) -> SegmentInfo | None:
        if segment_id not in self._segments:
            found = Segment.objects.filter(pk=segment_id, archived_at=None).values_list("name", "kind", "filter").first()
            self._segments[segment_id] = found and _info(*found)
        return self._segments[segment_id]

    @cached_property
    def _models(self) -> dict[int, str]:
        return dict(ScoreModel.objects.order_by("pk").values_list("pk", "name"))

    def score(self, model_id: int) -> str | None:
        return self._models.get(model_id)

    def first_score(self) -> int | None:
        return next(iter(self._models), None)

    def event_keys(self, kind: int, how: Match, value: str | Sequence[str]) -> tuple[int, ...]:
        asked = (kind, how, value if isinstance(value, str) else tuple(value))
        if asked not in self._keys:
            self._keys[asked] = tuple(keys.matching(Kind(kind), how, value))
        return self._keys[asked]

    def key_label(self, kind: int, value: str) -> str:
        label = EventKey.objects.filter(kind=int(key_kind(Kind(kind))), value=value).values_list("label", flat=True).first()
        return label or value

    def key_names(self, keys: Sequence[int]) -> list[str]:
        found = {pk: label or value for pk, label, value in EventKey.objects.filter(pk__in=keys).values_list("pk", "label", "value")}
        return [found.get(key, str(key)) for key in keys]

    def kind_label(self, kind: int) -> str:
        return _(KINDS[Kind(kind)])


def _properties(object_type: str) -> dict[str, Property]:
    try:
        definitions = properties.definitions(object_type)
    except NotFound:
        return {}
    found = {
        name: Property(
            name,
            properties.label(definition),
            cast(Type, definition.type),
            tuple((option["value"], properties.option_label(definition, option["value"])) for option in definition.options),
        )
        for name, definition in definitions.items()
    }
    return found | {
        "created_at": Property("created_at", _(CREATED), "datetime", column="created_at"),
        "updated_at": Property("updated_at", _(CHANGED), "datetime", column="updated_at"),
        "id": Property("id", _(NUMBER), "number", column="id"),
        "archived": Property("archived", _(ARCHIVED), "boolean", column="archived_at"),
    }


def _info(name: str, kind: str, stored: dict[str, object]) -> SegmentInfo:
    return SegmentInfo(name, frozenset(mentions.lists(stored)) if kind == "active" else frozenset())
