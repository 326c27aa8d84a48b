"""The one document that says what a form is: its words, and whether a document is a good one. Pure data; docs/forms.md tells every word.

    {"fields": [...], "steps": [...], "queue_size": 2, "consent": {...}, "after": {...}, "notify": {...}, "spam": {...},
     "submit_label": "", "language": "ko"}

What FORM PAGES and other callers use:

    check(definition) -> list[Problem]            faults with paths: `fields.2.options`, `consent.boxes.0.text`; a draft may have them
    publish_problems(definition) -> list[Problem] the same and what only the public version must have (texts of the notice, an e-mail field for opt-in)
    whole(definition) -> Definition               every word filled in with what it means when it is left out
    words of choice: TYPES, DISPLAY, ASK, OPERATORS, AFTER, CAPTCHAS, DISPOSABLE, NOTICE, ACCEPT
    verbs.create / save / publish / back_to / diff / archive / restore / split / end_split / versions / version / set_captcha_secret / add_file / drop_file
    quarantine.listing / release / delete / expire;  intake.snippet / secret / renew / save_titles
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from baton.crm import properties
from baton.crm.consent import CHANNELS
from baton.crm.models import PropertyDefinition
from baton.platform.errors import Problem

Definition = dict[str, Any]
Field = dict[str, Any]

DISPLAY = ("heading", "paragraph", "richtext")  # shown, not asked; their words are `text`
TYPES = (
    "text", "textarea", "email", "phone", "mobile", "number", "date", "datetime", "url", "choice", "radio", "multi_choice", "boolean", "hidden", "file",
    *DISPLAY,
)  # fmt: skip
CHOICES = ("choice", "radio", "multi_choice")
WIDTHS = ("full", "half")
ASK = ("always", "if_unknown", "queued")
OPERATORS = ("is", "is_not", "any_of", "contains", "known", "unknown", "gt", "lt")
AFTER = ("thanks", "redirect", "file")
CAPTCHAS = ("", "hcaptcha", "turnstile")
DISPOSABLE = ("refuse", "quarantine", "allow")
KINDS = ("processing", "channel")
NOTICE = ("purpose", "items", "period", "refusal")  # what the law wants told before somebody agrees
LANGUAGES = ("ko", "en")
# What a file may be, and the media types that are that.
OFFICE = "application/vnd.openxmlformats-officedocument."
ACCEPT: dict[str, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "image": ("image/png", "image/jpeg", "image/gif", "image/webp"),
    "document": (f"{OFFICE}wordprocessingml.document", "application/x-ole-storage", "text/plain"),
    "sheet": (f"{OFFICE}spreadsheetml.sheet", "application/x-ole-storage", "text/plain"),
    "slides": (f"{OFFICE}presentationml.presentation", "application/x-ole-storage"),
    "archive": ("application/zip", "application/gzip", "application/x-7z-compressed"),
}
MOST_MB = 20
MOST_FIELDS = 200

WORDS = ("fields", "steps", "queue_size", "consent", "after", "notify", "spam", "submit_label", "language")
FIELD_WORDS = ("name", "label", "type", "required", "placeholder", "help", "options", "default", "width", "from", "rules", "when", "ask", "text")
RULES = {
    "min": ("number", "date", "datetime"), "max": ("number", "date", "datetime"),
    "min_length": ("text", "textarea", "url"), "max_length": ("text", "textarea", "url"), "pattern": ("text", "textarea", "url", "phone", "mobile"),
    "blocked_domains": ("email",), "business_only": ("email",), "min_digits": ("phone", "mobile"), "max_mb": ("file",), "accept": ("file",),
}  # fmt: skip


def whole(definition: Mapping[str, Any]) -> Definition:
    """A definition with every word there; those left out have the value that means the same."""
    consent, after = definition.get("consent") or {}, definition.get("after") or {}
    notify, spam = definition.get("notify") or {}, definition.get("spam") or {}
    notice = consent.get("notice") or {}
    return {
        "fields": [
            {
                "required": False, "placeholder": "", "help": "", "options": [], "default": "", "width": "full", "from": "", "rules": {}, "when": {},
                "ask": "always", "text": "", **field,
            }
            for field in definition.get("fields") or []
        ],
        "steps": [{"title": "", **step} for step in definition.get("steps") or []],
        "queue_size": definition.get("queue_size", 2),
        "consent": {
            "notice": {word: notice.get(word, "") for word in (*NOTICE, "text")},
            "boxes": [{"channel": "", "label": "", "text": "", "required": False, **box} for box in consent.get("boxes") or []],
            "double_opt_in": bool(consent.get("double_opt_in")),
        },
        "after": {"kind": "thanks", "thanks": "", "redirect_url": "", "file": None, **after},
        "notify": {"owner": bool(notify.get("owner")), "users": list(notify.get("users") or [])},
        "spam": {"captcha": "", "site_key": "", "seconds": 3, "disposable": "quarantine", **spam},
        "submit_label": definition.get("submit_label", ""),
        "language": definition.get("language", "ko"),
    }  # fmt: skip


def asked(definition: Mapping[str, Any]) -> list[Field]:
    """The fields that want an answer, without what is only shown."""
    return [field for field in definition["fields"] if field["type"] not in DISPLAY]


def options(field: Mapping[str, Any], known: Mapping[str, PropertyDefinition] | None = None) -> list[dict[str, str]]:
    """What a choice offers: its own options, else those of the property of its name."""
    if field.get("options"):
        return [{"value": str(o["value"]), "label": str(o.get("label") or o["value"])} for o in field["options"]]
    rule = (properties.definitions("contact") if known is None else known).get(str(field.get("name")))
    if rule is None:
        return []
    return [{"value": o["value"], "label": properties.option_label(rule, o["value"])} for o in rule.options if not o.get("archived")]


def box_version(definition: Mapping[str, Any], box: Mapping[str, Any]) -> str:
    """Which wording of a consent box this is: a hash over all that was read before it was ticked."""
    notice = (definition.get("consent") or {}).get("notice") or {}
    text = "\n".join([str(box.get("label", "")), str(box.get("text", "")), *(str(notice.get(word, "")) for word in (*NOTICE, "text"))])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def wording(definition: Mapping[str, Any], box: Mapping[str, Any]) -> str:
    """What somebody read who ticked the box, as one text: it is kept as the proof."""
    notice = (definition.get("consent") or {}).get("notice") or {}
    return "\n".join(filter(None, [str(box.get("label", "")), str(box.get("text", "")), *(str(notice.get(word, "")) for word in (*NOTICE, "text"))]))


# Check -------------------------------------------------------------------------


def check(definition: Any) -> list[Problem]:
    """All faults of a definition, with their paths; an empty list: it can be saved and shown."""
    if not isinstance(definition, dict):
        return [Problem("", "INVALID", _("Expected an object."))]
    problems = [Problem(word, "UNKNOWN", _("A form has no such setting.")) for word in sorted(set(definition) - set(WORDS))]
    problems += _fields(definition.get("fields"))
    if problems:
        return problems  # what follows looks into the fields
    problems += [*_steps(definition), *_consent(definition.get("consent")), *_after(definition.get("after")), *_notify(definition.get("notify"))]
    problems += _spam(definition.get("spam"))
    size = definition.get("queue_size", 2)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 20:
        problems.append(Problem("queue_size", "INVALID", _("Expected a number from {low} to {high}.").format(low=1, high=20)))
    problems += _texts(definition, "", ("submit_label",))
    if definition.get("language", "ko") not in LANGUAGES:
        problems.append(_one_of("language", LANGUAGES))
    return problems


def publish_problems(definition: Any) -> list[Problem]:
    """The faults of `check`, and what a form lacks that the public is to see."""
    problems = check(definition)
    if problems:
        return problems
    full = whole(definition)
    consent, notice = full["consent"], full["consent"]["notice"]
    if any(box["kind"] == "processing" for box in consent["boxes"]) and not notice["text"].strip():
        for word in NOTICE:
            if not notice[word].strip():
                problems.append(Problem(f"consent.notice.{word}", "REQUIRED", _("Whoever agrees must be told this first: fill it in.")))
    if full["after"]["kind"] == "file" and full["after"]["file"] is None:
        problems.append(Problem("after.file", "REQUIRED", _("Choose the file that is handed out.")))
    return problems


def _fields(fields: Any) -> list[Problem]:
    if not isinstance(fields, list) or not fields:
        return [Problem("fields", "REQUIRED", _("A form needs at least one field."))]
    if len(fields) > MOST_FIELDS:
        return [Problem("fields", "TOO_MANY", _("A form may have at most {n} fields.").format(n=MOST_FIELDS))]
    known, seen = properties.definitions("contact"), dict[str, Field]()
    problems: list[Problem] = []
    for number, field in enumerate(fields):
        path = f"fields.{number}"
        if not isinstance(field, dict):
            problems.append(Problem(path, "INVALID", _("Expected an object.")))
            continue
        problems += [Problem(f"{path}.{word}", "UNKNOWN", _("A field has no such setting.")) for word in sorted(set(field) - set(FIELD_WORDS))]
        problems += _field(path, field, known, seen)
        seen[str(field.get("name"))] = field
    return problems


def _field(path: str, field: Field, known: Mapping[str, PropertyDefinition], before: Mapping[str, Field]) -> Iterator[Problem]:
    name, kind = field.get("name"), field.get("type")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,100}", name) or name.startswith("baton_") or name in before:
        yield Problem(f"{path}.name", "INVALID", _("A field has a name of its own: letters, digits and underscore."))
        return
    if kind not in TYPES:
        yield _one_of(f"{path}.type", TYPES)
        return
    yield from _texts(field, path, ("label", "placeholder", "help", "text"))
    if kind in DISPLAY:
        if not str(field.get("text") or field.get("label") or "").strip():
            yield Problem(f"{path}.text", "REQUIRED", _("Write what is to be shown."))
    else:
        if name in known and known[name].read_only:
            yield Problem(f"{path}.name", "READ_ONLY", _("{name} is set by Baton and cannot be asked for.").format(name=name))
        if not str(field.get("label") or "").strip():
            yield Problem(f"{path}.label", "REQUIRED", _("A field needs a label."))
        yield from _options(path, field, known)
    if field.get("width", "full") not in WIDTHS:
        yield _one_of(f"{path}.width", WIDTHS)
    yield from _ask(path, field)
    if (source := field.get("from", "")) and (not isinstance(source, str) or kind != "hidden"):
        yield Problem(f"{path}.from", "INVALID", _("Only a hidden field takes its value from the page."))
    if "default" in field and not isinstance(field["default"], (str, int, float, bool, list)):
        yield Problem(f"{path}.default", "INVALID", _("Expected a text."))
    yield from _rules(f"{path}.rules", field)
    yield from _when(f"{path}.when", field.get("when"), before)


def _options(path: str, field: Field, known: Mapping[str, PropertyDefinition]) -> Iterator[Problem]:
    given = field.get("options")
    if given is not None and (not isinstance(given, list) or not all(isinstance(o, dict) and str(o.get("value", "")).strip() for o in given)):
        yield Problem(f"{path}.options", "INVALID", _("Expected a list of values and labels."))
    elif given and len({str(o["value"]) for o in given}) != len(given):
        yield Problem(f"{path}.options", "INVALID", _("Two options have the same value."))
    elif field["type"] in CHOICES and not options(field, known):
        yield Problem(f"{path}.options", "REQUIRED", _("A choice needs options."))


def _ask(path: str, field: Field) -> Iterator[Problem]:
    ask = field.get("ask", "always")
    if ask not in ASK:
        yield _one_of(f"{path}.ask", ASK)
    elif ask != "always" and (field["type"] in (*DISPLAY, "hidden", "file") or field["name"] == "email"):
        yield Problem(f"{path}.ask", "INVALID", _("This field is always asked: the address says who it is."))


def _rules(path: str, field: Field) -> Iterator[Problem]:
    rules = field.get("rules") or {}
    if not isinstance(rules, dict):
        yield Problem(path, "INVALID", _("Expected an object."))
        return
    for word, value in rules.items():
        where = f"{path}.{word}"
        if field["type"] not in RULES.get(str(word), ()):
            yield Problem(where, "UNKNOWN", _("A field of this type has no such rule."))
        elif word == "pattern":
            try:
                re.compile(str(value))
            except re.error:
                yield Problem(where, "INVALID", _("This is no pattern."))
        elif word == "business_only":
            if not isinstance(value, bool):
                yield Problem(where, "INVALID", _("Expected yes or no."))
        elif word in ("blocked_domains", "accept"):
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                yield Problem(where, "INVALID", _("Expected a list of texts."))
            elif word == "accept" and set(value) - set(ACCEPT):
                yield _one_of(where, tuple(ACCEPT))
        elif word in ("min", "max") and field["type"] != "number":
            if not isinstance(value, str):
                yield Problem(where, "INVALID", _("Expected a date."))
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or (word not in ("min", "max") and value < 0):
            yield Problem(where, "INVALID", _("Expected a number."))
        elif word == "max_mb" and not 0 < value <= MOST_MB:
            yield Problem(where, "INVALID", _("Expected a number from {low} to {high}.").format(low=1, high=MOST_MB))


def _when(path: str, when: Any, before: Mapping[str, Field]) -> Iterator[Problem]:
    if not when:
        return
    if not isinstance(when, dict) or len(when) != 1 or not set(when) <= {"all", "any"} or not isinstance(next(iter(when.values())), list):
        yield Problem(path, "INVALID", _("Expected either all or any, with a list of conditions."))
        return
    word, tests = next(iter(when.items()))
    for number, test in enumerate(tests):
        where = f"{path}.{word}.{number}"
        if not isinstance(test, dict) or set(test) - {"field", "operator", "value"}:
            yield Problem(where, "INVALID", _("Expected a field, an operator and a value."))
        elif test.get("field") not in before or before[str(test["field"])].get("type") in DISPLAY:
            yield Problem(f"{where}.field", "NOT_FOUND", _("A condition may ask for a field that stands before it."))
        elif test.get("operator") not in OPERATORS:
            yield _one_of(f"{where}.operator", OPERATORS)
        elif test["operator"] == "any_of" and not isinstance(test.get("value"), list):
            yield Problem(f"{where}.value", "INVALID", _("Expected a list of texts."))
        elif test["operator"] in ("gt", "lt") and not _number(test.get("value")):
            yield Problem(f"{where}.value", "INVALID", _("Expected a number."))


def _number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _steps(definition: Mapping[str, Any]) -> Iterator[Problem]:
    steps = definition.get("steps") or []
    if not isinstance(steps, list) or not all(isinstance(step, dict) and isinstance(step.get("fields"), list) for step in steps):
        yield Problem("steps", "INVALID", _("Expected a list of steps with their fields."))
        return
    names = [field["name"] for field in definition["fields"]]
    told: list[str] = []
    for number, step in enumerate(steps):
        yield from _texts(step, f"steps.{number}", ("title",))
        for name in step["fields"]:
            if name not in names or name in told:
                yield Problem(f"steps.{number}.fields", "INVALID", _("Each field stands in one step."))
                return
            told.append(name)
        if not step["fields"]:
            yield Problem(f"steps.{number}.fields", "REQUIRED", _("A step needs at least one field."))
    if steps and set(told) != set(names):
        yield Problem("steps", "INVALID", _("Each field stands in one step."))


def _consent(consent: Any) -> Iterator[Problem]:
    if not consent:
        return
    if not isinstance(consent, dict) or set(consent) - {"notice", "boxes", "double_opt_in"}:
        yield Problem("consent", "INVALID", _("Expected notice, boxes and double_opt_in."))
        return
    notice, boxes = consent.get("notice") or {}, consent.get("boxes") or []
    if not isinstance(notice, dict) or set(notice) - {*NOTICE, "text"}:
        yield Problem("consent.notice", "INVALID", _("Expected {words}.").format(words=", ".join(NOTICE)))
    else:
        yield from _texts(notice, "consent.notice", (*NOTICE, "text"))
    if not isinstance(boxes, list):
        yield Problem("consent.boxes", "INVALID", _("Expected a list."))
        return
    seen: set[str] = set()
    for number, box in enumerate(boxes):
        path = f"consent.boxes.{number}"
        if not isinstance(box, dict) or set(box) - {"key", "kind", "channel", "label", "text", "required", "subscription"}:
            yield Problem(path, "INVALID", _("Expected an object."))
            continue
        key = box.get("key")
        if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,50}", key) or key in seen:
            yield Problem(f"{path}.key", "INVALID", _("A box has a name of its own: letters, digits and underscore."))
        seen.add(str(key))
        if type(box.get("subscription", 0)) is not int or box.get("subscription", 0) < 0 or (box.get("subscription") and box.get("kind") != "channel"):
            yield Problem(f"{path}.subscription", "INVALID", _("Expected the number of a kind of news, of a box about marketing."))
        yield from _texts(box, path, ("label", "text"))
        if not str(box.get("label") or "").strip():
            yield Problem(f"{path}.label", "REQUIRED", _("Write what people agree to: the text is kept as proof."))
        if box.get("kind") not in KINDS:
            yield _one_of(f"{path}.kind", KINDS)
        elif box["kind"] == "channel" and box.get("channel") not in tuple(CHANNELS):
            yield _one_of(f"{path}.channel", tuple(CHANNELS))
        elif box["kind"] == "channel" and box.get("required") and any(isinstance(b, dict) and b.get("kind") == "processing" for b in boxes):
            yield Problem(f"{path}.required", "INVALID", _("Marketing is a choice of its own: nobody may have to agree to it."))


def _after(after: Any) -> Iterator[Problem]:
    if not after:
        return
    if not isinstance(after, dict) or set(after) - {"kind", "thanks", "redirect_url", "file"}:
        yield Problem("after", "INVALID", _("Expected an object."))
        return
    kind = after.get("kind", "thanks")
    if kind not in AFTER:
        yield _one_of("after.kind", AFTER)
    yield from _texts(after, "after", ("thanks", "redirect_url"))
    if (kind == "redirect" or after.get("redirect_url")) and not is_address(str(after.get("redirect_url") or "")):
        yield Problem("after.redirect_url", "INVALID_URL", _("Expected an http:// or https:// address."))
    if after.get("file") is not None and (isinstance(after["file"], bool) or not isinstance(after["file"], int)):
        yield Problem("after.file", "INVALID", _("Choose the file that is handed out."))


def _notify(notify: Any) -> Iterator[Problem]:
    users = notify.get("users", []) if isinstance(notify, dict) else None
    if notify and (not isinstance(users, list) or set(notify) - {"owner", "users"} or not all(type(one) is int for one in users)):
        yield Problem("notify", "INVALID", _("Expected owner and a list of users."))


def _spam(spam: Any) -> Iterator[Problem]:
    if not spam:
        return
    if not isinstance(spam, dict) or set(spam) - {"captcha", "site_key", "seconds", "disposable"}:
        yield Problem("spam", "INVALID", _("Expected an object."))
        return
    if spam.get("captcha", "") not in CAPTCHAS:
        yield _one_of("spam.captcha", CAPTCHAS)
    elif spam.get("captcha") and not re.fullmatch(r"[\w.-]{1,200}", str(spam.get("site_key") or "")):
        yield Problem("spam.site_key", "REQUIRED", _("Enter the site key of the captcha service."))
    seconds = spam.get("seconds", 3)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= 60:
        yield Problem("spam.seconds", "INVALID", _("Expected a number from {low} to {high}.").format(low=0, high=60))
    if spam.get("disposable", "quarantine") not in DISPOSABLE:
        yield _one_of("spam.disposable", DISPOSABLE)


def is_address(text: str) -> bool:
    """Whether a text is an http(s) address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _texts(of: Mapping[str, Any], path: str, words: tuple[str, ...]) -> Iterator[Problem]:
    for word in words:
        if not isinstance(of.get(word, ""), str):
            yield Problem(f"{path}.{word}".strip("."), "INVALID", _("Expected a text."))
        elif len(of.get(word, "")) > 10_000 or "\0" in of.get(word, ""):
            yield Problem(f"{path}.{word}".strip("."), "INPUT_TOO_LARGE", _("The text is longer than {limit} characters.").format(limit=10_000))


def _one_of(path: str, words: tuple[str, ...]) -> Problem:
    return Problem(path, "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(word or "–" for word in words)))
