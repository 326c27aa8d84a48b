"""What the editor of mails shows: the outline of rows and blocks, the settings of the chosen part, the state of the draft."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from baton.accounts import permissions
from baton.accounts.models import User
from baton.messaging.consent import subscriptions
from baton.messaging.mail import blocks, conditional, emails, images, mail_checks, merge_fields
from baton.messaging.mail.block_kinds import KINDS, SPACE, Field
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.actor import Actor

from . import filter_editor

CUT = re.compile(r"\{\{.*$", re.DOTALL)
MAIL, LOOK, CODE = "mail", "look", "code"  # panels that belong to no block
LATELY = timedelta(minutes=10)  # so long after his last change somebody counts as being at it
LAYOUTS: dict[str, str | Promise] = {
    "1": gettext_lazy("One column"), "1-1": gettext_lazy("Two columns"), "1-2": gettext_lazy("Narrow and wide"), "2-1": gettext_lazy("Wide and narrow"),
    "1-1-1": gettext_lazy("Three columns"), "1-1-1-1": gettext_lazy("Four columns"),
}  # fmt: skip
PURPOSES: dict[str, str | Promise] = {"marketing": gettext_lazy("Advertisement"), "transactional": gettext_lazy("Information")}
LANGUAGES = (("ko", "한국어"), ("en", "English"))
GROUPS: dict[str, str | Promise] = {
    "contact": gettext_lazy("Contact"), "owner": gettext_lazy("Owner"), "account": gettext_lazy("Account"), "coupon": gettext_lazy("Coupons"),
    "mail": pgettext_lazy("merge field", "E-mail"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A block in the outline."""

    key: str
    name: str
    kind: str
    icon: str
    condition: bool
    fault: str


@dataclass(frozen=True, slots=True)
class RowLine:
    """A row in the outline with its columns. A row of one column is shown as its blocks."""

    key: str
    name: str
    condition: bool
    columns: list[list[Line]]
    parts: list[int]  # widths of the columns, for the small picture

    @property
    def many(self) -> bool:
        return len(self.columns) > 1


def is_composed(draft: Mapping[str, Any]) -> bool:
    """Whether it is made of blocks; else its HTML is written."""
    return draft["mode"] == "blocks" and bool(draft["document"])


def outline(document: Mapping[str, Any], faults: Mapping[str, str]) -> list[RowLine]:
    return [
        RowLine(
            row["key"], str(LAYOUTS[row["layout"]]), bool(row["filter"]),
            [[_line(one, faults.get(one["key"], "")) for one in column] for column in row["columns"]],
            list(blocks.LAYOUTS[row["layout"]]),
        )
        for row in document.get("rows") or ()
    ]  # fmt: skip


def _line(block: Mapping[str, Any], fault: str) -> Line:
    kind = KINDS[block["kind"]]
    return Line(block["key"], _named(blocks.name(block)) or str(kind.label), str(kind.label), kind.icon, bool(block["filter"]), fault)


def _named(text: str) -> str:
    """The beginning of a block's text for people: merge fields by what they are called."""
    return CUT.sub("…", merge_fields.named(unescape(text))).replace("\xa0", " ").strip()


def keys(document: Mapping[str, Any]) -> list[str]:
    """Rows and blocks in the order in which they stand."""
    return [key for row in document.get("rows") or () for key in (row["key"], *(one["key"] for column in row["columns"] for one in column))]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, with the panel it is put right in."""

    key: str
    where: str
    text: str
    fix: str
    grave: bool


def findings(draft: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with the draft and what could be better, the grave ones first."""
    names = {found.block["key"]: _line(found.block, "").name for found in blocks.each(draft["document"] or {})}
    return [_finding(one, names) for one in mail_checks.look(emails.compiled(dict(draft)))]


def _finding(one: mail_checks.Finding, names: Mapping[str, str]) -> Finding:
    steps = one.path.split(".")
    if steps[0] == "document" and len(steps) > 2 and steps[1] == "blocks":
        key, where = steps[2], names.get(steps[2], _("A row"))
    elif steps[0] in ("body", "html"):
        key, where = (CODE, _("HTML")) if not names else (MAIL, _("The whole e-mail"))
    elif steps[0] in ("theme", "look"):
        key, where = LOOK, pgettext("mail", "Look")
    elif steps[0] == "document":
        key, where = MAIL, _("The whole e-mail")
    else:
        key, where = MAIL, _("Subject and sender")
    return Finding(key, where, one.message, one.fix, one.grave)


def context(request: HttpRequest, email: Email, chosen: str) -> dict[str, Any]:
    """What every answer of the editor may need; with the panel of the chosen part."""
    draft = emails.draft(email)
    composed = is_composed(draft)
    found = findings(draft)
    faults = {one.key: one.text for one in reversed(found) if one.grave}
    known = [*keys(draft["document"] or {}), MAIL, *([LOOK] if composed else [CODE])]
    chosen = chosen if chosen in known else MAIL if composed else CODE
    return {
        "email": email, "draft": draft, "composed": composed, "raw": draft["mode"] == "raw",
        "rows": outline(draft["document"] or {}, faults) if composed else [],
        "chosen": chosen, "blocks_url": f"/emails/{email.pk}/blocks/", "findings": found, "grave": sum(one.grave for one in found),
        "may_edit": permissions.can(request.user, "emails", "edit") and email.archived_at is None, "changed": bool(email.draft),
        "state": json.dumps(_state(email, draft), ensure_ascii=False, sort_keys=True),
        "faults": faults, "kinds": KINDS.values(), "layouts": [(key, label, blocks.LAYOUTS[key]) for key, label in LAYOUTS.items()],
        **panel(request, email, draft, chosen),
    }  # fmt: skip


def _state(email: Email, draft: Mapping[str, Any]) -> dict[str, Any]:
    """What the way back restores: everything an editor writes."""
    return {"name": email.name, **{name: draft[name] for name in emails.DRAFTED if name != "body" or not is_composed(draft)}}


def others(request: HttpRequest, email: Email) -> str:
    """The name of a colleague who changed the draft a moment ago; "" when there is none."""
    me = str(Actor("user", request.user.pk))
    if not email.draft_by or email.draft_by == me or email.updated_at < clock.now() - LATELY:
        return ""
    somebody = Actor.parse(email.draft_by)
    if somebody.kind != "user" or somebody.id is None:
        return ""
    return User.objects.filter(pk=somebody.id).values_list("name", flat=True).first() or ""


# The panel ---------------------------------------------------------------------------------------------------------------------------------------


def panel(request: HttpRequest, email: Email, draft: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The settings of a block, a row, or the mail itself."""
    shared: dict[str, Any] = {"panel_key": key, "kind": None, "row": None}
    if key == MAIL:
        known = [(one.pk, subscriptions.name(one)) for one in subscriptions.known()]
        return {**shared, "purposes": PURPOSES.items(), "languages": LANGUAGES, "subscriptions": known}
    if key == LOOK:
        return {**shared, "theme": draft["document"]["theme"], "fonts": blocks.FONTS.items(), "darks": blocks.DARK.items()}
    if key == CODE:
        return shared
    document = draft["document"]
    row = next((one for one in document["rows"] if one["key"] == key), None)
    one = row or blocks.find(document, key).block
    shared |= {
        "settings_of": one,
        "one_filter": one["filter"],
        "spaces": SPACE,
        "sentence": conditional.sentence(one["filter"]) if one["filter"] else "",
        **condition(request, email.pk, key, one["filter"]),
    }
    if row is not None:
        return {**shared, "row": row}
    kind = KINDS[one["kind"]]
    faults = {problem.path.partition(f".{key}.")[2]: problem.message for problem in reversed(blocks.problems(document)) if f".{key}." in problem.path}
    fields = [{"field": field, "value": _shown(field, one[field.name]), "fault": _fault(faults, field), "rows": _rows(field, one)} for field in kind.fields]
    return {**shared, "kind": kind, "fields": fields, "images": images.known(limit=24) if any(field.input == "image" for field in kind.fields) else ()}


def condition(request: HttpRequest, email_id: int, key: str, stored: dict[str, Any], focus: str = "") -> dict[str, Any]:
    """The editor of the filter that says who gets a part. It saves itself, and asks its own address for every change."""
    return filter_editor.editor(request, stored, url=f"/emails/{email_id}/filter/{key}/", target="outline", focus=focus)


def _shown(field: Field, value: Any) -> Any:
    if field.input == "rich":
        return merge_fields.to_chips(str(value))
    return {"address": images.address(value), "key": value} if field.input == "image" else value


def _fault(faults: Mapping[str, str], field: Field) -> str:
    return next((text for path, text in faults.items() if path.partition(".")[0] == field.name), "")


def _rows(field: Field, one: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    return [[{"field": part, "value": row.get(part.name)} for part in field.rows] for row in one.get(field.name) or ()] if field.input == "rows" else []


def given(fields: Sequence[Field], sent: QueryDict) -> dict[str, Any]:
    """What a block's panel sent. Rows come as a list for each of their fields, in their order; a switch that is off does not come at all."""
    return dict(_given(fields, sent))


def _given(fields: Sequence[Field], sent: QueryDict) -> Iterator[tuple[str, Any]]:
    for field in fields:
        if field.input == "rows":
            columns = {part.name: sent.getlist(f"{field.name}.{part.name}") for part in field.rows}
            longest = max((len(values) for values in columns.values()), default=0)
            yield field.name, [{name: values[at] if at < len(values) else "" for name, values in columns.items()} for at in range(longest)]
        elif field.input == "switch":
            yield field.name, field.name in sent
        elif field.input == "colour":
            yield field.name, sent.get(field.name, "") if f"{field.name}!" in sent else ""
        elif field.name in sent:
            yield field.name, sent[field.name]


def fields_to_pick() -> list[tuple[str, list[merge_fields.MergeField]]]:
    """Merge fields by what they are about."""
    known = merge_fields.catalogue()
    return [(str(label), found) for group, label in GROUPS.items() if (found := [one for one in known if one.group == group])]
