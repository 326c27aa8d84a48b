"""One condition of a filter as inputs, made from its fields, and back to the stored JSON.

A field's shape follows from its type and name: records are chosen from lists, fixed words from a select, "how often" and "when" of what people did
are one choice each, with the numbers that the choice needs. What the form does not show stays as it is stored.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.crm import properties
from baton.events.logged import ABOUT as OUTCOMES
from baton.query.catalog import Property
from baton.query.operators import OPERATORS
from baton.segments import catalog
from baton.segments.condition import Condition, Happened, conditions
from baton.segments.models import ScoreModel

from . import event_tests, suggestions
from .choices import records
from .condition_words import GROUPS, HELP, LABELS, OFTEN, PERIODS, WHEN, WORDS
from .inputs import Input, integer
from .value_inputs import typed, value_input

Stored = dict[str, Any]
Option = tuple[str, str]

TIMES = ("at_least", "at_most", "exactly", "which")  # told by "how often"
TIME = ("days", "until_days", "since", "until", "period")  # told by "when"
RARE = ("tag", "machines", "case", "unset", "part", "never", "joined_days", "longer_days", "entered_days", "ever", "reason", "above", "path", "model")
PICKED = ("form", "email", "segment", "news")
STAGES = ("stages", "out_of", "into")
DEFAULT_TIMES, DEFAULT_DAYS = 2, 30


@dataclass(frozen=True, slots=True)
class Row:
    """One condition: what it asks first, and what only some ask for."""

    kind: str
    label: str
    inputs: tuple[Input, ...]
    more: tuple[Input, ...] = ()
    tests: tuple[event_tests.Row, ...] | None = None  # of an event: what must be true of one and the same
    error: str = ""

    @property
    def open(self) -> bool:
        """Whether something beyond the first inputs is said, or wrong."""
        return any(one.said or one.error for one in self.more)


def kinds(object_type: str = "contact") -> list[tuple[str, list[Option]]]:
    """What can be asked, in groups: (heading, [(key, label)]). Of anything but people only properties."""
    known = conditions()
    if object_type != "contact":
        return [("", [("property", _(known["property"].label))])]
    grouped = {key for _heading, keys in GROUPS for key in keys}
    found = [(str(heading), [(key, _(known[key].label)) for key in keys if key in known]) for heading, keys in GROUPS]
    other = [(key, _(kind.label)) for key, kind in known.items() if key not in grouped]
    return [*found, (_("Other"), other)] if other else found


def blank(kind: str, object_type: str = "contact") -> Stored:
    """A new condition of a kind with a first choice where one is needed."""
    stored: Stored = {"condition": kind}
    if kind in ("property", "company_property"):
        of = "company" if kind == "company_property" else object_type
        first = next((d for d in properties.definitions(of).values() if not d.hidden), None)
        if first is not None:
            stored |= {"property": first.name, "operator": next(iter(OPERATORS[first.type]))}  # type: ignore[index]  # a definition's types are the language's
    elif kind == "activity":
        stored["kind"] = "call"
    elif kind == "event":
        stored["event"] = "page_view"
    elif kind == "mail_state":
        stored["state"] = "opted_in"
    elif kind == "news" and (kinds_of_news := records("news")):
        stored["news"] = int(kinds_of_news[0][0])
    elif kind == "score" and (model := ScoreModel.objects.filter(archived_at=None, object_type="contact").first()):
        stored["at_least"] = model.begins("mql") or 0
    return stored


# Drawing --------------------------------------------------------------------


def draw(stored: Stored, prefix: str, errors: Mapping[str, str], object_type: str = "contact") -> Row:
    """The inputs of a condition; they are called `<prefix>/<field>`. `errors` by path inside the condition."""
    kind = str(stored.get("condition"))
    known = conditions().get(kind)
    if known is None:
        return Row(kind, kind, (), error=errors.get("condition", ""))
    form = _Form(stored, known, prefix, errors, "company" if kind == "company_property" else object_type)
    return form.row()


class _Form:
    def __init__(self, stored: Stored, known: type[Condition], prefix: str, errors: Mapping[str, str], of: str) -> None:
        self.stored, self.known, self.prefix, self.errors, self.of = stored, known, prefix, errors, of

    def row(self) -> Row:
        fields = self.known.model_fields
        happened = issubclass(self.known, Happened)
        shown: list[Input] = []
        rare: list[Input] = []
        for name in fields:
            if (happened and name in (*TIMES, *TIME, "never")) or name in ("tests", "sum"):
                continue
            made = self.input(name)
            if made is not None:
                (rare if name in RARE and name != "operator" else shown).append(made)
        if happened and not self.stored.get("sum"):
            shown += self.often()
        if happened:
            shown += self.when()
        if happened and (self.stored.get("at_most") is not None or self.stored.get("exactly") == 0) and self.stored.get("at_least") is None:
            rare += [made for made in [self.input("never")] if made]
        tests = event_tests.draw(self.stored, self.prefix, self.errors) if "tests" in fields else None
        names = {one.name.rpartition("/")[2] for one in (*shown, *rare)}
        other = next((m for path, m in self.errors.items() if path.partition(".")[0] not in names and not path.startswith("tests")), "")
        return Row(self.known.key, _(self.known.label), tuple(shown), tuple(rare), tests, other)

    def error(self, *names: str) -> str:
        return next((m for path, m in self.errors.items() if path.partition(".")[0] in names), "")

    def made(self, name: str, kind: str, value: Any = None, options: Sequence[Option] = (), **more: Any) -> Input:
        more = {"help": str(HELP.get(name, "")), "error": self.error(name)} | more
        return Input(f"{self.prefix}/{name}", str(LABELS.get(name, name)), kind, value, tuple(options), **more)

    def input(self, name: str) -> Input | None:
        """The input of one field; None where the others leave nothing to ask."""
        info = self.known.model_fields[name]
        value = self.stored.get(name, None if info.is_required() else info.get_default())
        annotation = info.annotation
        if special := _SPECIAL.get(name):
            return special(self, value)
        if name in PICKED:
            options = records(name)
            empty = _("Any") if not info.is_required() else _("Choose …")
            return self.made(name, "select", value, options if value is not None and info.is_required() else [("", empty), *options])
        if name in STAGES:
            outside = [("", _("outside"))] if name != "stages" else []
            return self.made(name, "many", value or [], [*outside, *_choices("contact", "lifecyclestage")])
        if words := _literal(annotation):
            options = [(word, str(WORDS.get(word, word))) for word in words]
            if _many(annotation):
                return self.made(name, "many", value or [], options)
            optional = _optional(annotation)
            return self.made(name, "select", value, [("", _("Any")), *options] if optional or value is None else options)
        if annotation is bool:
            return self.made(name, "check", bool(value), default=bool(info.get_default()))
        if _numeric(annotation):
            return self.made(name, "number", value)
        return self.made(name, "text", value, suggestions=suggestions.of(self.known.key, name, self.stored))

    # Fields that need the others ---------------------------------------------

    def property(self, value: Any) -> Input:
        options = [(d.name, properties.label(d)) for d in properties.definitions(self.of).values() if not d.hidden or d.name == value]
        options += [(name, p.label) for name, p in catalog.current().properties(self.of).items() if p.column in ("created_at", "updated_at")]
        return self.made("property", "select", value, options if value else [("", _("Choose …")), *options])

    def operator(self, value: Any) -> Input | None:
        prop = self._property()
        return self.made("operator", "select", value, [(key, _(o.label)) for key, o in OPERATORS[prop.type].items()]) if prop else None

    def value(self, value: Any) -> Input | None:
        prop = self._property()
        operator = OPERATORS[prop.type].get(str(self.stored.get("operator", ""))) if prop else None
        if prop is None or operator is None or operator.takes == "nothing":
            return None
        return value_input(self.made, prop, str(operator.takes), value)

    def unset(self, value: Any) -> Input | None:
        negative = self.stored.get("operator") in ("is_not", "none_of", "not_contains", "has_no_word")
        return self.made("unset", "check", bool(value), default=True) if negative else None

    def case(self, value: Any) -> Input | None:
        prop = self._property()
        text = prop is not None and prop.type in ("text", "phone", "email", "url")
        return self.made("case", "check", bool(value), default=False) if text and self.stored.get("operator") not in ("known", "unknown") else None

    def outcome(self, value: Any) -> Input | None:
        options = _outcomes(str(self.stored.get("kind", "call")))
        return self.made("outcome", "select", value, [("", _("Any")), *options]) if options else None

    def model(self, value: Any) -> Input:
        models = ScoreModel.objects.filter(archived_at=None, object_type="contact")
        named = not isinstance(value, int)
        return self.made("model", "select", value, [("", _("The first")), *((m.key if named else str(m.pk), m.name) for m in models)])

    def band(self, value: Any) -> Input | None:
        model = _model(self.stored.get("model"))
        if model is None or not model.bands:
            return None
        return self.made("band", "select", value, [("", _("By points")), *((str(b["key"]), str(b["label"])) for b in model.bands)])

    def points(self, name: str) -> Input | None:
        return None if self.stored.get("band") else self.made(name, "number", self.stored.get(name))

    def above(self, value: Any) -> Input | None:
        return self.made("above", "check", bool(value), default=False) if self.stored.get("band") else None

    def sources(self, value: Any) -> Input:
        return self.made("sources", "many", value or [], _choices("contact", "lead_source"))

    def classes(self, value: Any) -> Input:
        return self.made("classes", "many", value or [], _choices("contact", "original_source"))

    def event(self, value: Any) -> Input:
        return self.made("event", "select", value, event_tests.kinds())

    def name(self, value: Any) -> Input | None:
        if self.known.key != "event":
            return self.made("name", "text", value, suggestions=suggestions.of(self.known.key, "name", self.stored))
        own = event_tests.own() if self.stored.get("event") == "custom_event" else []
        return self.made("name", "select", value, own if value else [("", _("Choose …")), *own]) if own or value else None

    # How often and when --------------------------------------------------------

    def often(self) -> list[Input]:
        mode = often_of(self.stored)
        found = [self.made("often", "select", mode, [(key, str(words)) for key, words in OFTEN.items()])]
        for name in {"at_least": ("at_least",), "at_most": ("at_most",), "exactly": ("exactly",), "between": ("at_least", "at_most")}.get(mode, ()):
            found.append(self.made(name, "number", self.stored.get(name), narrow=True))
        return found

    def when(self) -> list[Input]:
        mode = when_of(self.stored)
        options = [(key, str(words)) for key, words in WHEN.items()]
        if mode in PERIODS:
            options.append((mode, str(PERIODS[mode])))
        found = [self.made("when", "select", mode, options)]
        for name in {"days": ("days",), "ago": ("until_days", "days"), "dates": ("since", "until")}.get(mode, ()):
            value = self.stored.get(name)
            if mode == "ago":
                label = _("From days ago") if name == "days" else _("Until days ago")
                found.append(Input(f"{self.prefix}/{name}", label, "number", value, error=self.error(name), narrow=True))
            elif mode == "dates":
                found.append(self.made(name, "date" if len(str(value or "")) in (0, 10) else "text", value))
            else:
                found.append(self.made(name, "number", value, narrow=True))
        return found

    def _property(self) -> Property | None:
        return catalog.current().property(self.of, str(self.stored.get("property", "")))


_SPECIAL: dict[str, Callable[[_Form, Any], Input | None]] = {
    name: getattr(_Form, name)
    for name in ("property", "operator", "value", "unset", "case", "outcome", "model", "band", "above", "sources", "classes", "event", "name")
} | {"at_least": lambda form, _value: form.points("at_least"), "at_most": lambda form, _value: form.points("at_most")}


def often_of(stored: Stored) -> str:
    """Which word of `OFTEN` says how often."""
    if stored.get("which"):
        return str(stored["which"])
    if stored.get("exactly") is not None:
        return "never" if stored["exactly"] == 0 and stored.get("never", True) else "exactly"
    least, most = stored.get("at_least"), stored.get("at_most")
    if most is not None:
        return "between" if least is not None else "never" if most == 0 else "at_most"
    return "at_least" if least not in (None, 1) else ""


def when_of(stored: Stored) -> str:
    """Which word of `WHEN` says when."""
    if stored.get("period"):
        return str(stored["period"])
    if stored.get("until_days") is not None:
        return "ago"
    if stored.get("days") is not None:
        return "days"
    return "dates" if stored.get("since") is not None or stored.get("until") is not None else ""


# Reading ----------------------------------------------------------------------


def read(given: QueryDict, prefix: str, old: Stored, object_type: str = "contact") -> Stored:
    """One condition with the values of the form; what the form does not show stays."""
    known = conditions().get(str(old.get("condition")))
    if known is None:
        return old
    new = dict(old)
    happened = issubclass(known, Happened)
    for name, info in known.model_fields.items():
        if name in ("value", "tests", "sum") or (happened and name in (*TIMES, *TIME)):
            continue
        _read_field(new, name, info.annotation, None if info.is_required() else info.get_default(), given, f"{prefix}/{name}")
    if happened:
        _read_often(new, given, prefix)
        _read_when(new, given, prefix)
    if "tests" in known.model_fields:
        event_tests.read(given, prefix, new, old)
    if new.get("kind") != old.get("kind"):
        new.pop("outcome", None)  # each kind of activity has outcomes of its own
    if new.get("model") != old.get("model"):
        new.pop("band", None)
    if new.get("band") and not old.get("band"):
        new.pop("at_least", None)
        new.pop("at_most", None)
    if "property" in known.model_fields:
        _read_value(new, old, given, prefix, "company" if old["condition"] == "company_property" else object_type)
    return new


def _read_field(new: Stored, name: str, annotation: Any, default: Any, given: QueryDict, key: str) -> None:
    if f"{key}?" in given:  # a switch, or a choice of several, that was sent
        values = [str(v) for v in given.getlist(key)]
        _put(new, name, (values == ["1"]) if annotation is bool else values, default)
    elif key in given:
        text = str(given[key]).strip()
        if not text and name not in ("address", "name", "about", "tag"):
            new.pop(name, None)
        else:
            _put(new, name, integer(text) if name in PICKED or _numeric(annotation) else _model_value(text, new) if name == "model" else text, default)


def _put(new: Stored, name: str, value: Any, default: Any) -> None:
    """What is said already, or differs from what it would be unsaid."""
    if name in new or value not in (default, []):
        new[name] = value


def _model_value(text: str, new: Stored) -> int | str:
    return integer(text) if isinstance(new.get("model"), int) else text


def _read_often(new: Stored, given: QueryDict, prefix: str) -> None:
    if f"{prefix}/often" not in given:
        return
    mode = str(given[f"{prefix}/often"])
    same = mode == often_of(new)
    if same and mode in ("", "never", "first", "last"):
        return
    old = dict(new)
    for name in TIMES:
        new.pop(name, None)
    if mode in ("first", "last"):
        new["which"] = mode
    elif mode == "never":
        new["at_most"] = 0
    for name in {"at_least": ("at_least",), "at_most": ("at_most",), "exactly": ("exactly",), "between": ("at_least", "at_most")}.get(mode, ()):
        text = str(given.get(f"{prefix}/{name}", "")).strip()
        if text:
            new[name] = integer(text)
        elif not same:
            new[name] = old.get(name) or (5 if mode == "between" and name == "at_most" else DEFAULT_TIMES)


def _read_when(new: Stored, given: QueryDict, prefix: str) -> None:
    if f"{prefix}/when" not in given:
        return
    mode = str(given[f"{prefix}/when"])
    same, old = mode == when_of(new), dict(new)
    for name in TIME:
        new.pop(name, None)
    if mode not in ("", "days", "ago", "dates") and (mode in WHEN or mode in PERIODS):
        new["period"] = mode
    for name in {"days": ("days",), "ago": ("days", "until_days"), "dates": ("since", "until")}.get(mode, ()):
        text = str(given.get(f"{prefix}/{name}", "")).strip()
        if text:
            new[name] = text if mode == "dates" else integer(text)
        elif not same and name != "until":  # chosen now: begin with something that can be changed
            usual = {"days": DEFAULT_DAYS * (2 if mode == "ago" else 1), "until_days": DEFAULT_DAYS, "since": suggestions.today()}
            new[name] = old.get(name) or usual[name]


def _read_value(new: Stored, old: Stored, given: QueryDict, prefix: str, of: str) -> None:
    prop = catalog.current().property(of, str(new.get("property", "")))
    if prop is None or new.get("operator") not in OPERATORS[prop.type]:
        new["operator"] = next(iter(OPERATORS[prop.type])) if prop else ""
    key = f"{prefix}/value"
    if new.get("property") != old.get("property"):
        for name in ("value", "unset", "case"):
            new.pop(name, None)
    elif prop is not None:
        takes, before = str(OPERATORS[prop.type][new["operator"]].takes), OPERATORS[prop.type].get(str(old.get("operator")))
        if before is None or takes != before.takes:
            new.pop("value", None)
            if takes == "days":
                new["value"] = DEFAULT_DAYS
            elif takes == "period":
                new["value"] = "this_month"
        elif key in given or f"{key}?" in given:
            value = typed([str(v) for v in given.getlist(key)], prop, takes)
            if value not in ("", []) or "value" in new:  # not chosen yet is not said
                new["value"] = value


# Types ------------------------------------------------------------------------


def _parts(annotation: Any) -> list[Any]:
    """The types a field may have, taken out of Optional, Annotated and unions."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for one in get_args(annotation) for part in _parts(one)]
    return [getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation]


def _optional(annotation: Any) -> bool:
    return type(None) in _parts(annotation)


def _many(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in _parts(annotation))


def _literal(annotation: Any) -> list[str]:
    """The words of a Literal, or of a list of one."""
    for part in _parts(annotation):
        inner = get_args(part)[0] if get_origin(part) is list else part
        if get_origin(inner) is Literal:
            return [str(word) for word in get_args(inner)]
    return []


def _numeric(annotation: Any) -> bool:
    return any(part in (int, float) for part in _parts(annotation)) and not any(part is str for part in _parts(annotation))


def _choices(object_type: str, name: str) -> list[Option]:
    prop = catalog.current().property(object_type, name)
    return list(prop.options) if prop else []


def _outcomes(kind: str) -> list[Option]:
    """How an activity of a kind may have ended; none for those that have no outcome."""
    definition = properties.definitions(kind).get(OUTCOMES[kind]) if kind in OUTCOMES else None
    return [(o["value"], properties.option_label(definition, o["value"])) for o in definition.options] if definition else []


def _model(said: Any) -> ScoreModel | None:
    models = ScoreModel.objects.filter(archived_at=None, object_type="contact")
    return models.first() if said in (None, "") else models.filter(pk=said).first() if isinstance(said, int) else models.filter(key=said).first()
