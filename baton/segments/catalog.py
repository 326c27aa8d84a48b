"""What filters may mention, from the database: properties, lists, scores, and what events were about. Asked for when needed, once."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from baton.crm import properties, types
from baton.crm.models import AssociationLabel
from baton.events import keys
from baton.events.models import EventDefinition, EventKey
from baton.events.vocabulary import Kind, key_kind
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import NotFound
from baton.query.catalog import Band, Match, News, Property, SegmentInfo, Type
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
    Kind.EMAIL_COMPLAINT: gettext_noop("e-mail reported as spam"),
    Kind.EMAIL_REPLY: gettext_noop("e-mail answered"),
    Kind.EMAIL_AUTO_REPLY: gettext_noop("automatic answer to an e-mail"),
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
    Kind.ATTENDED: gettext_noop("attended"),
    Kind.SAID_WHO: gettext_noop("named by the website"),
    Kind.FORM_VIEW: gettext_noop("saw a form"),
    Kind.FORM_START: gettext_noop("began to fill in a form"),
    Kind.FORM_ABANDON: gettext_noop("left a form unsent"),
    Kind.PAGE_SCROLL: gettext_noop("scrolled a page"),
    Kind.OUTBOUND_CLICK: gettext_noop("clicked a link to another site"),
    Kind.VIDEO_WATCHED: gettext_noop("watched a video"),
    Kind.TRACKING_CHOICE: gettext_noop("answered about tracking"),
    Kind.LINK_CLICK: gettext_noop("opened a short link"),
    Kind.CUSTOM_EVENT: gettext_noop("event of one’s own"),
}
PATHS = ("entry", "forward", "fast_pass", "recycle", "return", "dead_end", "reopen", "back", "exit")
PAYLOAD: dict[Kind, dict[str, tuple[Type, str]]] = {  # what filters may ask of an event, with its type
    Kind.PAGE_VIEW: {"url": ("url", gettext_noop("Address")), "title": ("text", gettext_noop("Title")), "referrer": ("url", gettext_noop("Came from"))},
    Kind.CTA_CLICK: {"url": ("url", gettext_noop("Link")), "page": ("url", gettext_noop("Page"))},
    Kind.DOWNLOAD: {"page": ("url", gettext_noop("Page"))},
    Kind.FORM_SUBMISSION: {"page": ("url", gettext_noop("Page"))},
    Kind.FORM_VIEW: {"page": ("url", gettext_noop("Page"))},
    Kind.FORM_START: {"page": ("url", gettext_noop("Page"))},
    Kind.FORM_ABANDON: {"page": ("url", gettext_noop("Page")), "field": ("text", gettext_noop("Last field"))},
    Kind.OUTBOUND_CLICK: {"page": ("url", gettext_noop("Page")), "text": ("text", gettext_noop("Words of the link"))},
    Kind.VIDEO_WATCHED: {"page": ("url", gettext_noop("Page")), "seconds": ("number", gettext_noop("Seconds seen"))},
    Kind.LINK_CLICK: {"url": ("url", gettext_noop("Link")), "medium": ("text", gettext_noop("Medium")), "machine": ("text", gettext_noop("Machine"))},
    Kind.IDENTIFIED: {"by": ("text", gettext_noop("Recognised by")), "views": ("number", gettext_noop("Page views before"))},
    Kind.EMAIL_OPEN: {"machine": ("text", gettext_noop("Machine")), "campaign": ("number", gettext_noop("Number of the campaign"))},
    Kind.EMAIL_CLICK: {
        "url": ("url", gettext_noop("Link")),
        "machine": ("text", gettext_noop("Machine")),
        "campaign": ("number", gettext_noop("Number of the campaign")),
    },
    Kind.SCORE_CHANGED: {"total": ("number", gettext_noop("Points after it"))},
    Kind.STAGE_CHANGED: {
        "from": ("choice", gettext_noop("Stage before")),
        "path": ("choice", gettext_noop("Way")),
        "reason": ("text", gettext_noop("Reason")),
        "source": ("text", gettext_noop("Source")),
    },
    Kind.SEGMENT_JOINED: {"reason": ("text", gettext_noop("Reason"))},
    Kind.SEGMENT_LEFT: {"reason": ("text", gettext_noop("Reason"))},
    Kind.VERDICT_GIVEN: {"reason": ("text", gettext_noop("Reason")), "score": ("number", gettext_noop("Points at the time"))},
    Kind.PAUSE_STARTED: {"reason": ("text", gettext_noop("Reason"))},
    Kind.PAUSE_ENDED: {"reason": ("text", gettext_noop("Reason"))},
    Kind.WORKFLOW_ENROLLED: {"cause": ("text", gettext_noop("Cause"))},
    Kind.WORKFLOW_FINISHED: {"outcome": ("text", gettext_noop("Outcome"))},
}
OWN_TYPES: dict[str, Type] = {"string": "text", "number": "number", "enumeration": "choice", "datetime": "datetime"}
PRIMARY = gettext_noop("Primary")
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
        self._links: dict[tuple[str, str], dict[str, str]] = {}
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

    def link(self, from_type: str, to_type: str, name: str) -> str | None:
        asked = (from_type, to_type)
        if asked not in self._links:
            found = AssociationLabel.objects.filter(from_type=from_type, to_type=to_type).values_list("name", "label")
            self._links[asked] = {"primary": _(PRIMARY), **dict(found)}
        return self._links[asked].get(name)

    def segment(self, segment_id: int) -> SegmentInfo | None:
        if segment_id not in self._segments:
            found = Segment.objects.filter(pk=segment_id, archived_at=None).values_list("name", "kind", "filter").first()
            self._segments[segment_id] = found and _info(*found)
        return self._segments[segment_id]

    @cached_property
    def _models(self) -> dict[int, ScoreModel]:
        return {model.pk: model for model in ScoreModel.objects.filter(archived_at=None)}

    def score(self, model_id: int) -> str | None:
        model = self._models.get(model_id)
        return None if model is None else model.name

    def score_named(self, key: str) -> int | None:
        return next((id for id, model in self._models.items() if model.key == key), None)

    def bands(self, model_id: int) -> tuple[Band, ...]:
        model = self._models.get(model_id)
        return () if model is None else tuple(Band(band["key"], band["label"], band["at_least"]) for band in model.bands)

    def first_score(self) -> int | None:
        return next((id for id, model in self._models.items() if model.object_type == "contact"), None)

    @cached_property
    def _news(self) -> dict[int, News]:
        """Also those put away: what people said of them stays. They are kept above this package, so the table is read by its name."""
        wanted = (get_language() or config().language)[:2]
        rows = sql.rows("SELECT id, key, names::text, separate FROM subscription_type")
        named = ((id, key, json.loads(names), separate) for id, key, names, separate in rows)
        return {id: News(names.get(wanted) or next(filter(None, names.values()), key), separate) for id, key, names, separate in named}

    def news(self, news_id: int) -> News | None:
        return self._news.get(news_id)

    @cached_property
    def _own(self) -> dict[str, EventDefinition]:
        return {event.name: event for event in EventDefinition.objects.filter(archived_at=None)}

    def event(self, name: str) -> str | None:
        found = self._own.get(name)
        return None if found is None else found.label

    def event_property(self, kind: int, event: str, name: str) -> Property | None:
        return self.event_properties(kind, event).get(name)

    def event_properties(self, kind: int, event: str = "") -> dict[str, Property]:
        """All that can be asked of the payload of events of a kind, or of the company's own event of this name."""
        if event:
            own = self._own.get(event)
            return {} if own is None else {p["name"]: _own_property(p) for p in own.properties}
        return {name: Property(name, _(label), type, self._stages(name)) for name, (type, label) in PAYLOAD.get(Kind(kind), {}).items()}

    def _stages(self, name: str) -> tuple[tuple[str, str], ...]:
        """The stages a move may have been from, outside included, or the ways it may have taken."""
        if name == "path":
            return tuple((path, path) for path in PATHS)
        stage = self.property("contact", "lifecyclestage") if name == "from" else None
        return () if stage is None else (("", _("outside")), *stage.options)

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


def _own_property(stored: dict[str, Any]) -> Property:
    """A property of a company's own event; a choice without options is a text."""
    options = tuple((str(o.get("value", "")), str(o.get("label", o.get("value", "")))) for o in stored.get("options") or ())
    type_ = OWN_TYPES[stored["type"]]
    return Property(stored["name"], stored.get("label") or stored["name"], "text" if type_ == "choice" and not options else type_, options)


def _info(name: str, kind: str, stored: dict[str, object]) -> SegmentInfo:
    return SegmentInfo(name, frozenset(mentions.lists(stored)) if kind == "active" else frozenset())
