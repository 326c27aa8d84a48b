"""What was answered: whether it fits the fields of a definition, and what of it is written to the contact.

A field named like a contact property writes that property and obeys its type. Any other name is kept with the
submission only (a free remark, for example).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import files, mail_domains, properties, values
from baton.crm.models import PropertyDefinition
from baton.forms.definition import ACCEPT, CHOICES, MOST_MB, Field, asked, options
from baton.platform.errors import Problem

# How a field without a property of its name is checked; the rest are property types.
STORED = {"textarea": "text", "hidden": "text", "radio": "choice", "mobile": "phone", "file": "text"}
MOST = 1000  # values of one submission
# What the CRM calls a fault, and what a form does.
CODES = {"INVALID_OPTION": "VALUE_NOT_IN_FIELD_DEFINITION", "REQUIRED": "REQUIRED_FIELD", "INVALID_TEXT": "INPUT_TOO_LARGE"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with an answer."""

    name: str
    content: bytes


@dataclass(slots=True)
class Checked:
    """An answer after the check: as kept, as written to the contact, the files, and what is wrong (at `fields.<name>`)."""

    answers: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def check(
    definition: Mapping[str, Any],
    given: Mapping[str, Any],
    uploads: Mapping[str, Upload] | None = None,
    *,
    skipped: Collection[str] = (),
    lenient: bool = False,
) -> Checked:
    """Check an answer against a whole definition.

    An answer that is empty is no answer: it neither counts for a required field nor clears a value that is known. A field whose
    condition does not hold is not asked: what was sent for it is ignored. `skipped`: fields that were not shown because they are known or
    wait in the queue. `lenient` lets missing and undeclared fields pass.
    """
    known, done, uploads = properties.definitions("contact"), Checked(), uploads or {}
    fields = {one["name"]: one for one in asked(definition)}
    if not lenient:
        for name in given:
            if name not in fields:
                done.problems.append(Problem(f"fields.{name}", "FIELD_NOT_IN_FORM_DEFINITION", _("The form has no field {name}.").format(name=name)))
    if len(given) > MOST:
        done.problems.append(Problem("fields", "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", _("More than {limit} values.").format(limit=MOST)))
    for name, one in fields.items():
        if not holds(one["when"], done.answers):
            continue
        wanted = one["required"] and not lenient and not (name in skipped and _silent(given.get(name)))
        if one["type"] == "file":
            _take_file(one, uploads.get(name), wanted, done)
            continue
        value, problem = _answer(one, known.get(name), given.get(name), wanted)
        if problem:
            done.problems.append(problem)
        elif value is not None:
            done.answers[name] = value
            if name in known:
                done.written[name] = value
    return done


def holds(when: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    """Whether a field is asked, given the answers before it. The embed script decides the same way (form-embed.ts)."""
    if not when:
        return True
    word, tests = next(iter(when.items()))
    found = [_test(test, answers.get(str(test["field"]))) for test in tests]
    return all(found) if word == "all" else any(found)


def _test(test: Mapping[str, Any], answer: Any) -> bool:
    wanted, there = test.get("value"), _words(answer)
    match test["operator"]:
        case "known":
            return bool(there)
        case "unknown":
            return not there
        case "is":
            return _word(wanted) in there
        case "is_not":
            return _word(wanted) not in there
        case "any_of":
            return any(_word(one) in there for one in wanted or [])
        case "contains":
            return any(_word(wanted).lower() in one.lower() for one in there)
        case _:
            try:
                left, right = float(there[0]), float(str(wanted))
            except (ValueError, IndexError):
                return False
            return left > right if test["operator"] == "gt" else left < right


def _words(answer: Any) -> list[str]:
    return [_word(one) for one in (answer if isinstance(answer, list) else [answer]) if one not in (None, "", False)]


def _word(value: Any) -> str:
    return "true" if value is True else str(value)


def _silent(raw: Any) -> bool:
    return raw in (None, "", [])


def _answer(one: Field, rule: PropertyDefinition | None, raw: Any, wanted: bool) -> tuple[Any, Problem | None]:
    path = f"fields.{one['name']}"
    if isinstance(raw, str):
        raw = raw.strip()
    if isinstance(raw, list) and one["type"] != "multi_choice":
        raw = raw[-1] if raw else None  # the same name twice: the last one counts, as browsers' own forms do
    if _silent(raw) or (raw is False and one["type"] == "boolean" and one["required"]):
        return None, _missing(path, one) if wanted else None
    if isinstance(raw, str) and len(raw) > values.LONGEST:
        return None, Problem(path, "INPUT_TOO_LARGE", _("The text is longer than {limit} characters.").format(limit=values.LONGEST))
    mine = rule or PropertyDefinition(name=one["name"], label=one["label"], type=str(STORED.get(one["type"], one["type"])))
    if one["type"] in CHOICES and one["options"]:
        # The form may offer less than the property knows, never more than itself.
        mine = PropertyDefinition(name=mine.name, label=mine.label, type=mine.type, options=options(one))
    try:
        value = values.convert(mine, raw)
        if rule is not None and rule is not mine:
            value = values.convert(rule, value)
    except values.Fault as fault:
        return None, Problem(path, CODES.get(fault.code, fault.code), fault.message)
    if value is None:
        return None, _missing(path, one) if wanted else None
    return value, next(_broken(path, one, value), None)


def _missing(path: str, one: Field) -> Problem:
    return Problem(path, "REQUIRED_FIELD", _("{label} is required.").format(label=one["label"]))


def _broken(path: str, one: Field, value: Any) -> Iterator[Problem]:
    """The rules of a field that a value breaks."""
    rules, text = one["rules"], str(value)
    for word, limit in rules.items():
        match word:
            case "min" | "max":
                left, right = (float(value), float(limit)) if one["type"] == "number" else (text, str(limit))
                if word == "min" and left < right:  # type: ignore[operator]  # both numbers, or both dates as text
                    yield Problem(path, "NUMBER_OUT_OF_RANGE", _("At least {limit}.").format(limit=limit))
                elif word == "max" and left > right:  # type: ignore[operator]
                    yield Problem(path, "NUMBER_OUT_OF_RANGE", _("At most {limit}.").format(limit=limit))
            case "min_length" if len(text) < limit:
                yield Problem(path, "INPUT_TOO_SHORT", _("At least {limit} characters.").format(limit=int(limit)))
            case "max_length" if len(text) > limit:
                yield Problem(path, "INPUT_TOO_LARGE", _("The text is longer than {limit} characters.").format(limit=int(limit)))
            case "pattern" if len(text) > 1000 or not re.fullmatch(str(limit), text):
                yield Problem(path, "INVALID_PATTERN", _("This does not have the expected form."))
            case "min_digits" if sum(letter.isdigit() for letter in text) < limit:
                yield Problem(path, "INVALID_PHONE", _("At least {limit} digits.").format(limit=int(limit)))
            case "blocked_domains" if _below(text, limit):
                yield Problem(path, "BLOCKED_EMAIL", _("Addresses of this domain are not accepted."))
            case "business_only" if limit and mail_domains.kind(text) != "business":
                yield Problem(path, "BLOCKED_EMAIL", _("Please give your company e-mail address."))


def _below(address: str, domains: Collection[str]) -> bool:
    host = address.rpartition("@")[2].lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in (one.strip().lower().removeprefix("@") for one in domains) if domain)


def fitting(definition: Mapping[str, Any], uploads: Mapping[str, Upload]) -> dict[str, Upload]:
    """Those of the files that a field of the definition asks for and takes."""
    done = Checked()
    for one in asked(definition):
        if one["type"] == "file":
            _take_file(one, uploads.get(one["name"]), False, done)
    return done.files


def _take_file(one: Field, upload: Upload | None, wanted: bool, done: Checked) -> None:
    path, rules = f"fields.{one['name']}", one["rules"]
    if upload is None or not upload.content:
        if wanted:
            done.problems.append(_missing(path, one))
        return
    most = float(rules.get("max_mb", 10))
    kinds = {kind for word in rules.get("accept") or ACCEPT for kind in ACCEPT[word]}
    if len(upload.content) > min(most, MOST_MB) * 1024 * 1024:
        done.problems.append(Problem(path, "INPUT_TOO_LARGE", _("A file may have at most {n} MB.").format(n=f"{most:g}")))
    elif files.media_type(upload.content) not in kinds:
        done.problems.append(Problem(path, "INVALID_FILE", _("A file of this kind is not accepted.")))
    else:
        done.files[one["name"]] = upload
        done.answers[one["name"]] = files.clean_name(upload.name)
