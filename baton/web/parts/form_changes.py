"""What differs between two definitions of a form, in sentences that people read before they publish or go back."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.forms import definition as documents

from .form_words import PARTS

WORDS = ("label", "text", "type", "required", "placeholder", "help", "options", "default", "width", "from", "rules", "when", "ask")


def said(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(added, gone or changed; sentence) pairs, fields first. Both are definitions; the old one may be empty."""
    return list(_said(documents.whole(old), documents.whole(new)))


def _said(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    before, after = ({field["name"]: field for field in one["fields"]} for one in (old, new))
    for name, field in after.items():
        if name not in before:
            yield "added", _("Field “{name}” added").format(name=_name(field))
        elif changed := [word for word in WORDS if before[name].get(word) != field.get(word)]:
            yield "changed", _field(before[name], field, changed)
    for name, field in before.items():
        if name not in after:
            yield "gone", _("Field “{name}” taken out").format(name=_name(field))
    if [n for n in before if n in after] != [n for n in after if n in before]:
        yield "changed", _("Fields in another order")
    if old["steps"] != new["steps"]:
        yield "changed", _("Steps: {old} → {new}").format(old=len(old["steps"]) or 1, new=len(new["steps"]) or 1)
    yield from _consent(old["consent"], new["consent"])
    for part in PARTS:
        if part.key in ("after", "notify", "spam") and old[part.key] != new[part.key]:
            yield "changed", _("{part}: changed").format(part=part.label)
    if old["submit_label"] != new["submit_label"]:
        yield "changed", _("Button: {old} → {new}").format(old=old["submit_label"] or "–", new=new["submit_label"] or "–")
    if old["language"] != new["language"]:
        yield "changed", _("Language: {old} → {new}").format(old=old["language"], new=new["language"])


def _consent(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if old["notice"] != new["notice"]:
        yield "changed", _("Notice: changed; who agrees from now on agrees to the new words")
    before, after = ({box["key"]: box for box in one["boxes"]} for one in (old, new))
    for key, box in after.items():
        if key not in before:
            yield "added", _("Consent box “{name}” added").format(name=box["label"])
        elif box != before[key]:
            yield "changed", _("Consent box “{name}”: changed").format(name=box["label"])
    for key, box in before.items():
        if key not in after:
            yield "gone", _("Consent box “{name}” taken out").format(name=box["label"])
    if old["double_opt_in"] != new["double_opt_in"]:
        yield "changed", _("Double opt-in: on") if new["double_opt_in"] else _("Double opt-in: off")


def _field(old: Mapping[str, Any], new: Mapping[str, Any], changed: list[str]) -> str:
    words = {
        "label": _("label"), "text": _("text"), "type": _("kind"), "placeholder": _("example"), "help": _("help"), "options": _("options"),
        "default": _("default"), "width": _("width"), "from": _("where its value comes from"), "rules": _("what is accepted"),
        "when": _("when it is shown"), "ask": _("whether it is asked again"),
        "required": _("must be filled in") if new["required"] else _("may be left empty"),
    }  # fmt: skip
    return _("Field “{name}”: {what}").format(name=_name(old), what=", ".join(words[word] for word in changed))


def _name(field: Mapping[str, Any]) -> str:
    return str(field.get("label") or field.get("text") or field["name"])[:80]
