"""From the text of a cell to the value of one property, with what was decided about the column: an order of dates, a translation of values."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import pipelines, properties, titles, values
from baton.crm.imports import names, parse
from baton.crm.imports.words import folded
from baton.crm.models import PropertyDefinition
from baton.crm.models.property import FieldType, PropertyType
from baton.crm.values import Fault, Kept, stamp
from baton.platform.config import config

Convert = Callable[[str], Any]
# Words of other systems for our options: folded text -> value.
KNOWN = {
    "lifecyclestage": {"marketingqualifiedlead": "mql", "salesqualifiedlead": "sql", "recycled": "recycle_a"},
    "lead_source": {"directtraffic": "direct", "organicsearch": "search", "referrals": "referral", "emailmarketing": "newsletter", "paidsearch": "search"},
    "dealtype": {"newbusiness": "newbusiness", "existingbusiness": "existingbusiness", "신규": "newbusiness", "기존": "existingbusiness"},
    "outcome": {"leftvoicemail": "voicemail", "leftlivemessage": "message", "noanswer": "no_answer", "wrongnumber": "wrong_number", "noshow": "NO_SHOW"},
    "industry": {
        "technology": "it",
        "software": "it",
        "computersoftware": "it",
        "제조": "manufacturing",
        "제조업": "manufacturing",
        "물류": "logistics",
        "유통": "retail",
        "건설": "construction",
        "금융": "finance",
        "교육": "education",
        "바이오": "bio",
    },
    "status": {"notstarted": "NOT_STARTED", "inprogress": "IN_PROGRESS", "waiting": "WAITING", "completed": "COMPLETED", "deferred": "DEFERRED"},
}
WON = {"won", "closedwon", "수주", "수주성공", "성사", "계약완료", "성공"}
LOST = {"lost", "closedlost", "실주", "실패", "수주실패", "무산"}


def converter(definition: PropertyDefinition, column: Mapping[str, Any], order: str) -> Convert:
    """Reads the cells of a column for a property. What it gives back is what `values.convert` takes; it raises Fault."""
    chosen = {text: value for text, value in (column.get("values") or {}).items() if value not in ("", "+")}
    plain = _plain(definition, order)
    if not chosen:
        return plain

    def translated(text: str) -> Any:
        value = chosen.get(text.strip()[:100])
        return (None if value == "-" else value) if value is not None else plain(text)

    return translated


def _plain(definition: PropertyDefinition, order: str) -> Convert:
    kind = PropertyType(definition.type)
    if kind == PropertyType.PHONE:
        return lambda text: parse.phone(text.strip()) or Kept(text.strip()[:100])
    if kind == PropertyType.NUMBER:
        percent = definition.field_type == FieldType.PERCENT
        return lambda text: parse.number(text.strip(), percent=percent)
    if kind == PropertyType.DATE:
        return lambda text: parse.day(text.strip(), order).isoformat()
    if kind == PropertyType.DATETIME:
        return lambda text: _moment(text, order)
    if kind == PropertyType.BOOLEAN:
        return lambda text: parse.answer(text)
    if kind == PropertyType.USER:
        return users()
    if kind == PropertyType.CHOICE:
        return choice(definition)
    if kind == PropertyType.MULTI_CHOICE:
        one = choice(definition)
        return lambda text: [one(part) for part in text.replace(",", ";").split(";") if part.strip()] if ";" in text else _one_or_many(one, text)
    if kind == PropertyType.EMAIL:
        return lambda text: text.removeprefix("mailto:").lower()
    if definition.object_type_id == "company" and definition.name == "business_number":
        return _business_number
    if definition.object_type_id == "company" and definition.name == "domain":
        return lambda text: names.domain(text) or values.convert(definition, text)
    return str.strip  # the record layer says what cannot be stored


def _moment(text: str, order: str) -> str:
    moment = parse.moment(text.strip(), order)
    return stamp(moment if moment.tzinfo else moment.replace(tzinfo=config().zone))


def _business_number(text: str) -> str:
    found = names.business_number(text)
    if found is None:
        raise Fault("INVALID_BUSINESS_NUMBER", _("{value} is not a Korean business registration number.").format(value=text))
    return found


def _one_or_many(one: Convert, text: str) -> list[str]:
    try:
        return [one(text)]
    except Fault:
        parts = [part for part in text.split(",") if part.strip()]
        if len(parts) < 2:
            raise
        return [one(part) for part in parts]


def choice(definition: PropertyDefinition) -> Convert:
    """An option by its value or its label, in either language, or what other systems call it."""
    known: dict[str, str] = dict(KNOWN.get(definition.name, {}))
    live = [option for option in definition.options if not option.get("archived")]
    known = {text: value for text, value in known.items() if any(option["value"] == value for option in live)}
    for language in ("en", "ko", translation.get_language() or "en"):
        with translation.override(language):
            for option in live:
                known.setdefault(folded(properties.option_label(definition, option["value"])), option["value"])
    for option in live:
        known.setdefault(folded(option["value"]), option["value"])
        known.setdefault(folded(option["label"]), option["value"])
    exact = {option["value"] for option in live}

    def read(text: str) -> str:
        text = text.strip()
        if text in exact:
            return text
        found = known.get(folded(text)) or (definition.name == "seniority" and titles.seniority(text)) or None
        if found is None or not folded(text):
            raise unknown_option(definition, text, known)
        return found

    return read


def unknown_option(definition: PropertyDefinition, text: str, known: Mapping[str, str]) -> Fault:
    """Says which option was probably meant."""
    near = get_close_matches(folded(text), list(known), n=1, cutoff=0.8)
    if near:
        meant = properties.option_label(definition, known[near[0]])
        return Fault("INVALID_OPTION", _("{value} is not an option here. Did you mean {meant}?").format(value=text, meant=meant))
    return Fault("INVALID_OPTION", _("{value} is not an option here.").format(value=text))


def users() -> Convert:
    """A colleague by e-mail address, name or number."""
    known: dict[str, int] = {}
    rows = list(User.objects.values_list("pk", "email", "name").order_by("pk"))
    for pk, email, name in rows:
        known[email.lower()] = pk
        known.setdefault(folded(name), pk)
    ids = {str(pk): pk for pk, _email, _name in rows}

    def read(text: str) -> int:
        text = text.strip()
        found = known.get(text.lower()) or known.get(folded(text)) or ids.get(text)
        if found is None:
            raise Fault("INVALID_USER", _("{value} is not a user of Baton.").format(value=text))
        return found

    return read


class Ways:
    """Pipelines and stages of an object type by what people call them."""

    def __init__(self, object_type: str) -> None:
        self._pipelines: dict[str, str] = {}
        self._stages: dict[str, dict[str, str]] = {}
        self.first = ""
        for pipeline in pipelines.pipelines(object_type):
            self.first = self.first or pipeline.key
            for word in _called(pipeline):
                self._pipelines.setdefault(word, pipeline.key)
            stages = list(pipeline.stages_in_order)  # type: ignore[attr-defined]  # pipelines() puts it there
            known: dict[str, str] = {}
            for stage in stages:
                for word in _called(stage):
                    known.setdefault(word, stage.key)
            for words, won in ((WON, True), (LOST, False)):
                ends = [stage.key for stage in stages if stage.closed and (stage.probability > 0) == won]
                if len(ends) == 1:
                    for word in words:
                        known.setdefault(word, ends[0])
            first = self._stages.get(self.first, {})
            keys = {stage.key for stage in stages}
            for word, key in first.items():  # a pipeline made after the first one has its stages, in one language
                if key in keys:
                    known.setdefault(word, key)
            self._stages[pipeline.key] = known

    def pipeline(self, text: str) -> str:
        """Raises Fault."""
        found = self._pipelines.get(folded(text))
        if found is None:
            raise Fault("INVALID_PIPELINE", _("There is no pipeline {value}.").format(value=text))
        return found

    def stage(self, pipeline: str, text: str) -> str:
        """Raises Fault."""
        found = self._stages.get(pipeline or self.first, {}).get(folded(text))
        if found is None:
            raise Fault("INVALID_STAGE", _("There is no stage {value} in this pipeline.").format(value=text))
        return found


def _called(row: Any) -> set[str]:
    words = {folded(row.key), folded(row.label)}
    for language in ("en", "ko"):
        with translation.override(language):
            words.add(folded(pipelines.label(row)))
    return words - {""}
