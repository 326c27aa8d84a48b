"""Changes to the draft of a form (forms/definition.py), as its builder makes them. Each answers a new definition; the given one stays.

Fields and the beginnings of steps stand in one list of blocks: a field is its own dict, a step is {"step": title}.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.crm import properties
from baton.crm.models import PropertyDefinition
from baton.forms import definition as documents
from baton.forms.definition import Definition, Field
from baton.platform.errors import NotFound

from .form_words import KINDS, label_of

Block = dict[str, Any]

# What a property is asked as, by the type it is stored as.
ASKED_AS = {"text": "text", "textarea": "textarea", "number": "number", "date": "date", "datetime": "datetime", "choice": "choice", "radio": "radio",
            "multi_choice": "multi_choice", "boolean": "boolean", "phone": "phone", "email": "email", "url": "url"}  # fmt: skip
# What a field may be changed to without its answers meaning something else.
ALIKE = (("text", "textarea"), ("phone", "mobile"), ("choice", "radio"))


def blocks(definition: Definition) -> list[Block]:
    """Fields in their order, with the beginning of each step before its fields."""
    fields = {str(field["name"]): field for field in definition.get("fields") or []}
    found: list[Block] = []
    for step in definition.get("steps") or []:
        found += [{"step": step.get("title", "")}, *(fields.pop(name) for name in step["fields"] if name in fields)]
    return deepcopy([*found, *fields.values()])


def with_blocks(definition: Definition, changed: Sequence[Block]) -> Definition:
    """The definition with these blocks. What stands before the first step is in it; steps without fields are none."""
    new = deepcopy(definition)
    new["fields"] = [deepcopy(block) for block in changed if "step" not in block]
    steps: list[dict[str, Any]] = []
    early: list[str] = []
    for block in changed:
        if "step" in block:
            steps.append({"title": block["step"], "fields": early if not steps else []})
        elif steps:
            steps[-1]["fields"].append(block["name"])
        else:
            early.append(block["name"])
    steps = [step for step in steps if step["fields"]]
    new.pop("steps", None)
    if len(steps) > 1 or any(step["title"] for step in steps):
        new["steps"] = steps
    return new


def keys(some: Sequence[Block]) -> list[str]:
    """The key of each block: a field's name; of a step `-step-` and its number."""
    found, step = [], 0
    for block in some:
        found.append(f"-step-{step}" if "step" in block else str(block["name"]))
        step += "step" in block
    return found


def place(some: Sequence[Block], key: str) -> int:
    """Where a block stands. Raises NotFound."""
    try:
        return keys(some).index(key)
    except ValueError:
        raise NotFound(_("This field no longer exists.")) from None


def move(definition: Definition, key: str, to: int) -> Definition:
    """With a block at another place."""
    some = blocks(definition)
    block = some.pop(place(some, key))
    some.insert(max(0, min(len(some), to)), block)
    return with_blocks(definition, some)


def copy(definition: Definition, key: str) -> tuple[Definition, str]:
    """With a copy behind it. A copy of a property's field keeps its words and becomes a field of its own."""
    some = blocks(definition)
    at = place(some, key)
    block = deepcopy(some[at])
    if "step" not in block:
        if not block.get("options") and (offered := documents.options(block)):
            block["options"] = offered
        block["name"] = free(str(block["name"]), keys(some))
    return put(definition, at + 1, block)


def drop(definition: Definition, key: str) -> tuple[Definition, int, Block]:
    """Without a block; and where it stood, and itself."""
    some = blocks(definition)
    at = place(some, key)
    gone = some.pop(at)
    return with_blocks(definition, some), at, gone


def put(definition: Definition, at: int, block: Block) -> tuple[Definition, str]:
    """With a block (again) at a place; its name is changed if it is taken by now."""
    some = blocks(definition)
    if "step" not in block and block["name"] in keys(some):
        block = {**block, "name": free(str(block["name"]), keys(some))}
    at = max(0, min(len(some), at))
    some.insert(at, block)
    new = with_blocks(definition, some)
    found = keys(blocks(new))
    return new, found[min(at, len(found) - 1)]


def add(definition: Definition, kind: str, behind: str) -> tuple[Definition, str]:
    """With a new block: `type:<field type>`, `property:<name>` or `step`, behind another one or at the end."""
    some = blocks(definition)
    at = keys(some).index(behind) + 1 if behind in keys(some) else len(some)
    what, _colon, name = kind.partition(":")
    if what == "step":
        return _add_step(definition, some, at)
    block = _of_property(name) if what == "property" else _of_type(name, keys(some))
    return put(definition, at, block)


def _add_step(definition: Definition, some: list[Block], at: int) -> tuple[Definition, str]:
    """The field behind which a step is added ends the step before; at the end of the form its last field begins the new one."""
    at = len(some) - 1 if at >= len(some) else at
    if not any("step" in block for block in some):
        some.insert(0, {"step": ""})
        at += 1
    some.insert(at, {"step": ""})
    new = with_blocks(definition, some)
    return new, next((key for key in reversed(keys(blocks(new))[: at + 1]) if key.startswith("-step-")), "")


def _of_property(name: str) -> Field:
    known = properties.definitions("contact").get(name)
    if known is None or not may_ask(known):
        raise NotFound(_("There is no such property to ask for."))
    return {"name": name, "label": properties.label(known), "type": asked_as(known), "required": False}


def _of_type(kind: str, taken: Sequence[str]) -> Field:
    if kind not in documents.TYPES:
        raise NotFound(_("There is no such kind of field."))
    field: Field = {"name": free(kind, taken), "label": label_of(kind), "type": kind}
    if kind in documents.CHOICES:
        field["options"] = [{"value": str(n), "label": _("Option {n}").format(n=n)} for n in (1, 2)]
    elif kind in documents.DISPLAY:
        field = {"name": field["name"], "type": kind, "text": label_of(kind)}
    elif kind == "hidden":
        field["from"] = "query:utm_source"
    return field


def may_ask(known: PropertyDefinition) -> bool:
    """Whether a form may ask for a property of contacts."""
    return not known.read_only and known.archived_at is None and known.form_field and not known.formula and known.type in ASKED_AS


def asked_as(known: PropertyDefinition) -> str:
    """The type of field that asks for a property."""
    if known.name == "mobilephone":
        return "mobile"
    return ASKED_AS.get(known.field_type) or ASKED_AS[known.type]


def alike(field: Field) -> tuple[str, ...]:
    """The types a field may be changed to: a property's field stays what it is, apart from how it looks."""
    kind = str(field["type"])
    if field["name"] not in properties.definitions("contact"):
        return tuple(k for k in KINDS if k not in (*documents.DISPLAY, "step")) if kind not in documents.DISPLAY else documents.DISPLAY
    if properties.definitions("contact")[field["name"]].type == "text":
        return tuple(dict.fromkeys((kind, "text", "textarea", "choice", "radio", "hidden")))
    return tuple(dict.fromkeys((kind, *next((group for group in ALIKE if kind in group), ()), "hidden")))


def free(wish: str, taken: Sequence[str]) -> str:
    """A name that no other field has, nor any property of contacts."""
    known = properties.definitions("contact")
    wish = wish[:90]
    return wish if wish not in taken and wish not in known else next(f"{wish}_{n}" for n in range(2, 10_000) if f"{wish}_{n}" not in taken)


# What was typed into the panel of a field ----------------------------------------


def field_of(old: Field, given: QueryDict) -> Field:
    """The field as its panel says. Words that mean nothing for its type are left out; faults are found by the check of the definition."""
    kind = _one_of(given.get("type", ""), alike(old), str(old["type"]))
    if kind in documents.DISPLAY:
        return {"name": old["name"], "type": kind, "text": given.get("text", "").strip(), **_layout(given), **_when(given)}
    own = old["name"] not in properties.definitions("contact")
    field: Field = {"name": given.get("name", "").strip() or old["name"] if own else old["name"], "label": given.get("label", "").strip(), "type": kind}
    if kind == "hidden":
        source = given.get("source", "fixed")
        if source == "query":
            return {**field, "from": f"query:{given.get('parameter', '').strip() or 'utm_source'}", "default": given.get("default", "").strip()}
        return {**field, "default": given.get("default", "").strip()}
    field["required"] = "required" in given
    for word in ("placeholder", "help", "default"):
        if typed := given.get(word, "").strip():
            field[word] = typed
    if kind in documents.CHOICES and (options := options_of(given)):
        field["options"] = options
    field |= _layout(given)
    if rules := _rules(kind, given):
        field["rules"] = rules
    field |= _when(given)
    ask = given.get("ask", "always")
    if ask in documents.ASK and ask != "always":
        field["ask"] = ask
    return field


def options_of(given: QueryDict) -> list[dict[str, str]]:
    """The rows of the options: a row without a value takes its label for one; empty rows are none."""
    rows = zip(given.getlist("option"), given.getlist("option_value"), strict=False)
    return [{"value": value.strip() or label.strip(), "label": label.strip() or value.strip()} for label, value in rows if label.strip() or value.strip()]


def _layout(given: QueryDict) -> Field:
    return {"width": "half"} if given.get("width") == "half" else {}


def _when(given: QueryDict) -> Field:
    tests = []
    for name, operator, value in zip(given.getlist("when_field"), given.getlist("when_operator"), given.getlist("when_value"), strict=False):
        if not name:
            continue
        test: dict[str, Any] = {"field": name, "operator": operator}
        if operator == "any_of":
            test["value"] = [part.strip() for part in value.split(",") if part.strip()]
        elif operator not in ("known", "unknown"):
            test["value"] = value.strip()
        tests.append(test)
    return {"when": {"any" if given.get("when_match") == "any" else "all": tests}} if tests else {}


def with_test(field: Field, some: Sequence[Block], at: int) -> Field:
    """A field that is shown under one condition more: that the field before it is filled in."""
    asked = [block for block in some[:at] if "step" not in block and block["type"] not in documents.DISPLAY]
    if not asked:
        raise NotFound(_("Only a field that stands before this one can decide. Move it down first."))
    match, tests = next(iter((field.get("when") or {"all": []}).items()))
    return {**field, "when": {match: [*tests, {"field": asked[-1]["name"], "operator": "known"}]}}


def _rules(kind: str, given: QueryDict) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for word, kinds in documents.RULES.items():
        typed = given.get(f"rule_{word}", "").strip()
        if kind not in kinds:
            continue
        if word == "business_only":
            if f"rule_{word}" in given:
                rules[word] = True
        elif word == "accept":
            if chosen := [one for one in given.getlist(f"rule_{word}") if one in documents.ACCEPT]:
                rules[word] = chosen
        elif not typed:
            continue
        elif word == "blocked_domains":
            rules[word] = [part.strip().lower().lstrip("@") for part in typed.replace(",", "\n").splitlines() if part.strip()]
        elif word == "pattern" or (word in ("min", "max") and kind != "number"):
            rules[word] = typed
        else:
            rules[word] = _number(typed)
    return rules


def _number(typed: str) -> Any:
    try:
        number = float(typed)
    except ValueError:
        return typed
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _one_of(typed: str, words: Sequence[str], else_: str) -> str:
    return typed if typed in words else else_


def replace(definition: Definition, key: str, field: Field) -> Definition:
    """With a field in the place of another; conditions and steps follow another name."""
    some = blocks(definition)
    at = place(some, key)
    some[at] = field
    if "step" not in field and (old := key) != field["name"]:
        for other in some:
            for tests in (other.get("when") or {}).values():
                for test in tests:
                    if test.get("field") == old:
                        test["field"] = field["name"]
    return with_blocks(definition, some)


# The other parts ------------------------------------------------------------------


def part_of(definition: Definition, part: str, given: QueryDict) -> Definition:
    """The definition as the panel of one of its parts says: consent, after, notify, spam, settings."""
    new = deepcopy(definition)
    if part == "consent":
        new["consent"] = _consent(definition.get("consent") or {}, given)
    elif part == "after":
        file = given.get("file", "")
        new["after"] = {"kind": _one_of(given.get("kind", ""), documents.AFTER, "thanks"), "thanks": given.get("thanks", "").strip()}
        if address := given.get("redirect_url", "").strip():
            new["after"]["redirect_url"] = address
        if file.isascii() and file.isdecimal():
            new["after"]["file"] = int(file)
    elif part == "notify":
        users = [int(pk) for pk in given.getlist("user") if pk.isascii() and pk.isdecimal() and len(pk) < 10]
        new["notify"] = {"owner": "owner" in given, "users": users}
    elif part == "spam":
        new["spam"] = {
            "captcha": _one_of(given.get("captcha", ""), documents.CAPTCHAS, ""), "site_key": given.get("site_key", "").strip(),
            "seconds": _number(given.get("seconds", "").strip() or "0"), "disposable": _one_of(given.get("disposable", ""), documents.DISPOSABLE, "quarantine"),
        }  # fmt: skip
    elif part == "settings":
        new["submit_label"] = given.get("submit_label", "").strip()
        new["language"] = _one_of(given.get("language", ""), documents.LANGUAGES, "ko")
        new["queue_size"] = _number(given.get("queue_size", "").strip() or "2")
    else:
        raise NotFound(_("There is no such part of a form."))
    return new


def _consent(old: Mapping[str, Any], given: QueryDict) -> dict[str, Any]:
    boxes = []
    for key in given.getlist("box"):
        kept = next((b for b in old.get("boxes") or [] if b.get("key") == key), None)
        if kept is None:
            continue
        box = {**kept, "label": given.get(f"label_{key}", "").strip(), "text": given.get(f"text_{key}", "").strip(), "required": f"required_{key}" in given}
        kind = given.get(f"subscription_{key}")
        if kind is not None:
            box.pop("subscription", None)
            box |= {"subscription": int(kind)} if kind.isdecimal() and 0 < int(kind) < 2**31 else {}
        boxes.append(box)
    notice = {word: given.get(word, "").strip() for word in documents.NOTICE}
    if text := (old.get("notice") or {}).get("text"):
        notice["text"] = given.get("text", str(text)).strip()
    return {"notice": notice, "boxes": boxes, "double_opt_in": "double_opt_in" in given}
