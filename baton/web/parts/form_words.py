"""What pages say about forms: kinds of fields, conditions, parts, and faults in words with the place where they are mended."""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.forms import definition as documents
from baton.forms.definition import Definition
from baton.platform.errors import Problem

from .builder import Kind

KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("text", _("One line of text"), "text-cursor-input"),
        Kind("textarea", _("Several lines of text"), "align-left"),
        Kind("email", _("E-mail address"), "mail"),
        Kind("phone", _("Phone number"), "phone"),
        Kind("mobile", _("Mobile phone number"), "smartphone"),
        Kind("number", _("Number"), "hash"),
        Kind("date", _("Date"), "calendar"),
        Kind("datetime", _("Date and time"), "calendar-clock"),
        Kind("url", _("Web address"), "link"),
        Kind("choice", _("Choice from a list"), "chevrons-up-down"),
        Kind("radio", _("Choice, all shown"), "circle-dot"),
        Kind("multi_choice", _("Several choices"), "list-checks"),
        Kind("boolean", _("Box to tick"), "square-check"),
        Kind("file", _("File"), "paperclip"),
        Kind("hidden", _("Hidden value"), "eye-off"),
        Kind("heading", _("Heading"), "heading"),
        Kind("paragraph", _("Paragraph"), "pilcrow"),
        Kind("richtext", _("Text with format"), "text"),
        Kind("step", _("New step"), "separator-horizontal"),
    )
}
OPERATORS = {
    "is": _("is"),
    "is_not": _("is not"),
    "any_of": _("is one of (with commas)"),
    "contains": _("contains"),
    "known": _("is filled in"),
    "unknown": _("is empty"),
    "gt": _("is more than"),
    "lt": _("is less than"),
}
ASK = {
    "always": (_("always"), _("Shown to everybody, filled in with nothing.")),
    "if_unknown": (_("if unknown"), _("Left out when Baton knows the answer of this visitor.")),
    "queued": (_("queued"), _("Waits its turn: shown to a visitor who comes back, when the fields before it are known.")),
}
PARTS = (
    Kind("consent", _("Consent and notice"), "shield-check"),
    Kind("after", _("After sending"), "party-popper"),
    Kind("notify", _("Notify"), "bell"),
    Kind("spam", _("Spam defence"), "shield"),
    Kind("settings", _("Button and language"), "settings-2"),
)
ACCEPT = {"pdf": _("PDF"), "image": _("Pictures"), "document": _("Documents"), "sheet": _("Spreadsheets"), "slides": _("Slides"), "archive": _("Archives")}
NOTICE = {
    "purpose": (_("Why you collect and use the data"), _("For example: to answer your question and to contact you about it")),
    "items": (_("What you collect"), _("For example: name, business e-mail, company")),
    "period": (_("How long you keep it"), _("For example: for one year, then it is deleted")),
    "refusal": (_("The right to refuse, and what it means"), _("For example: you may refuse; then we cannot answer you")),
}
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "gclid", "fbclid", "n_media")


def label_of(kind: str) -> str:
    """What a kind of field is called."""
    return str(KINDS[kind].label) if kind in KINDS else kind


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in words, and where it is mended: a block (its key) or a part."""

    text: str
    where: str  # words: the field's label, the part's name
    block: str = ""
    part: str = ""
    last: str = ""  # last word of the path: which input


def faults(definition: Definition, problems: list[Problem]) -> list[Fault]:
    """Faults of a definition as a list to work through."""
    found = []
    names = {part.key: str(part.label) for part in PARTS}
    fields, steps = definition.get("fields") or [], definition.get("steps") or []
    for problem in problems:
        words = problem.path.split(".")
        number = int(words[1]) if len(words) > 1 and words[1].isdigit() else -1
        last = words[-1] if not words[-1].isdigit() else words[0]
        if words[0] == "fields" and 0 <= number < len(fields):
            field = fields[number]
            found.append(
                Fault(
                    problem.message,
                    str(field.get("label") or field.get("text") or field.get("name")),
                    block=str(field.get("name")),
                    last=words[2] if len(words) > 2 else last,
                )
            )
        elif words[0] == "steps" and 0 <= number < len(steps):
            found.append(Fault(problem.message, str(steps[number].get("title") or label_of("step")), block=f"-step-{number}", last=last))
        elif words[0] in names:
            found.append(Fault(problem.message, names[words[0]], part=words[0], last=".".join(words[1:])))
        elif words[0] in ("fields", "steps"):
            found.append(Fault(problem.message, str(_("Fields")), last=last))
        else:
            found.append(Fault(problem.message, names["settings"], part="settings", last=last))
    return found


def advice(definition: Definition) -> list[Fault]:
    """What may be published as it is, but could be better."""
    full = documents.whole(definition)
    asked = [field for field in documents.asked(full) if field["type"] != "hidden"]
    consent = full["consent"]
    found = []

    def say(text: str, part: str) -> None:
        found.append(Fault(text, next(str(kind.label) for kind in PARTS if kind.key == part), part=part))

    if not any(box["kind"] == "processing" for box in consent["boxes"]):
        say(gettext("Nobody agrees that personal data are collected. In Korea the law asks for that, with the four texts of the notice."), "consent")
    elif missing := [str(field["label"]) for field in asked if str(field["label"]) not in consent["notice"]["items"]]:
        say(gettext("The notice does not name these fields: {names}").format(names=", ".join(missing[:6])), "consent")
    if any(box["kind"] == "channel" for box in consent["boxes"]) is False:
        say(gettext("Nobody can agree to marketing here: these people get no campaigns."), "consent")
    if not any(field["type"] == "email" for field in asked):
        field = next(iter(asked), None)
        found.append(
            Fault(
                gettext("No e-mail address is asked for: whoever comes with a new browser stays a new person."),
                gettext("Fields"),
                block=str(field["name"]) if field else "",
            )
        )
    if len(shown := [field for field in asked if field["ask"] == "always" and not field["when"]]) > 8:
        found.append(
            Fault(
                gettext("Everybody is asked {n} things. Let some of them wait until a visitor comes back.").format(n=len(shown)),
                gettext("Fields"),
                block=str(shown[-1]["name"]),
            )
        )
    return found
