"""The editor of an e-mail: its rows and blocks, the settings of the chosen one, the mail beside them; every change is kept in the draft at once."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.messaging.mail import blocks, emails, images
from baton.messaging.mail.block_kinds import KINDS
from baton.messaging.models import Email
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import faults, toast
from ..page import Page, actor, allow, user
from ..parts import filter_editor, mail_editor, people
from ..parts.mail_editor import CODE, LOOK, MAIL
from .emails import Became, became
from .record_files import file_parts

SETTINGS = (
    "name", "subject", "preheader", "purpose", "purpose_reason", "subscription_id", "from_name", "from_address", "reply_to", "language", "text",
)  # fmt: skip
View = Callable[..., HttpResponse]


class EmailEditor(Page):
    key = "email-editor"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("emails/<int:pk>/", show),
            path("emails/<int:pk>/blocks/", change),
            path("emails/<int:pk>/blocks/<str:key>/", part),
            path("emails/<int:pk>/filter/<str:key>/", condition),
            path("emails/<int:pk>/draft/", back),
            path("emails/<int:pk>/mode/", mode),
            path("emails/<int:pk>/images/", upload),
            path("emails/<int:pk>/others/", others),
        ]


def get(pk: int) -> Email:
    """The mail of an address. Raises NotFound."""
    found = Email.objects.filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(_("This e-mail does not exist any more."))
    return found


def revision(request: HttpRequest, email: Email) -> int:
    """The state of the draft that the editor knows; a program that says none means the newest. One's own last change is known."""
    if email.draft_by == str(actor(request)):
        return email.revision
    said = request.headers.get("X-Revision", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else email.revision


def told(view: View) -> View:
    """Two editors at once: who would write over somebody else's change is told, and chooses."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Conflict as error:
            email = get(kwargs["pk"])
            response = render(request, "emails/conflict.html", {"email": email, "text": str(error)}, status=409)
            response["HX-Retarget"], response["HX-Reswap"] = "#mail-conflict", "innerHTML"
            return response

    return guarded


@require_GET
@allow("emails", "view")
def show(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The editor; `?block=` opens the settings of a part."""
    email = get(pk)
    draft = emails.draft(email)
    first = next((found.block["key"] for found in blocks.each(draft["document"] or {})), MAIL)
    asked = request.GET.get("block", "") or (MAIL if not email.version and not email.draft.get("subject") else first)
    found = people.search("", rights=rights.of(user(request)), limit=1)
    back_to = request.GET.get("back", "/emails/")
    return render(request, "emails/editor.html", {
        **mail_editor.context(request, email, asked), "person": found[0] if found else None, "pick": mail_editor.fields_to_pick(),
        "became": became([pk]).get(pk, Became()),
        "back": back_to if url_has_allowed_host_and_scheme(back_to, None) else "/emails/", "somebody": mail_editor.others(request, email),
    })  # fmt: skip


def answer(request: HttpRequest, email: Email, chosen: str, *, panel: bool = True, status: int = 200, **more: Any) -> HttpResponse:
    """The outline, the state and the panel anew; the canvas is told that there is something new to show."""
    context = mail_editor.context(request, email, chosen)
    response = render(request, "emails/changed.html", {**context, "with_panel": panel, "saved": True, **more}, status=status)
    response["HX-Trigger"] = json.dumps({"draft-changed": True})
    return response


@require_POST
@allow("emails", "edit")
@told
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Add, move, copy or take away a block or a row; answers the outline and the settings of the part it is about."""
    email = get(pk)
    document = emails.draft(email)["document"] or blocks.new()
    what, key, kind, at = (request.POST.get(name, "") for name in ("do", "key", "kind", "at"))
    chosen = key
    match what:
        case "add":
            document, chosen = _add(document, kind, at, key)
        case "add_row":
            document, chosen = blocks.add_row(document, kind or "1", _row_place(document, at, key))
        case "move":
            document = _move(document, key, at)
        case "up" | "down":
            document = _step(document, key, -1 if what == "up" else 1)
        case "left" | "right":
            document = _aside(document, key, -1 if what == "left" else 1)
        case "copy":
            document, chosen = blocks.copy(document, key)
        case "drop":
            chosen = _beside(document, key)
            document = _without(document, key)
        case _:
            raise NotFound(_("This does not exist."))
    email = emails.draft_save(pk, actor(request), revision(request, email), document=document)
    return answer(request, email, chosen)


def _place(document: blocks.Document, at: str) -> blocks.Place | int | None:
    """`r1:0:2` is a place for a block, `@3` one for a row."""
    if at.startswith("@") and at[1:].isdecimal() and len(at) < 6:
        return min(int(at[1:]), len(document["rows"]))
    row, _colon, rest = at.partition(":")
    column, _colon, number = rest.partition(":")
    if row and column.isascii() and column.isdecimal() and number.isascii() and number.isdecimal() and len(rest) < 9:
        return row, int(column), int(number)
    return None


def _row_place(document: blocks.Document, at: str, key: str) -> int | None:
    """Where a new row goes: to the place that was pointed at, else behind the chosen part."""
    place = _place(document, at)
    if isinstance(place, int):
        return place
    if isinstance(place, tuple):
        key = place[0]
    number = next((n for n, row in enumerate(document["rows"]) if key in (row["key"], *(b["key"] for c in row["columns"] for b in c))), None)
    footer = number is not None and any(b["kind"] == "footer" for c in document["rows"][number]["columns"] for b in c)
    return None if number is None or footer else number + 1


def _add(document: blocks.Document, kind: str, at: str, key: str) -> tuple[blocks.Document, str]:
    """A new block at a place; behind the chosen block, in an empty column that is chosen, else in a row of its own."""
    place = _place(document, at)
    if isinstance(place, tuple):
        return blocks.add(document, kind, place)
    if place is None and (found := next((one for one in blocks.each(document) if one.block["key"] == key), None)):
        if found.block["kind"] != "footer":
            return blocks.add(document, kind, (found.row["key"], found.column, found.number + 1))
    elif place is None and (row := next((one for one in document["rows"] if one["key"] == key), None)):
        free = next((n for n, column in enumerate(row["columns"]) if not column), len(row["columns"]) - 1)
        return blocks.add(document, kind, (row["key"], free, len(row["columns"][free])))
    if not isinstance(place, int):
        return blocks.add(document, kind)
    made, row_key = blocks.add_row(document, "1", place)
    return blocks.add(made, kind, (row_key, 0, 0))


def _move(document: blocks.Document, key: str, at: str) -> blocks.Document:
    """A block to a place or into a row of its own; a row among rows."""
    place = _place(document, at)
    if any(row["key"] == key for row in document["rows"]):
        return blocks.move_row(document, key, place) if isinstance(place, int) else document
    if place is None:
        return document
    if isinstance(place, int):
        document, row = blocks.add_row(document, "1", place)
        place = (row, 0, 0)
    return _tidied(blocks.move(document, key, place), document, key)


def _tidied(document: blocks.Document, before: blocks.Document, key: str) -> blocks.Document:
    """Without the row of one column that a block left empty."""
    left = blocks.find(before, key).row
    now = next((row for row in document["rows"] if row["key"] == left["key"]), None)
    return blocks.remove(document, left["key"]) if now and len(now["columns"]) == 1 and not now["columns"][0] else document


def _step(document: blocks.Document, key: str, by: int) -> blocks.Document:
    """One up or down, so that it is seen: a block that is alone in its row goes with it, one that leaves its row goes past the block beside."""
    if any(row["key"] == key for row in document["rows"]):
        return blocks.step(document, key, by)
    found = blocks.find(document, key)
    if len(found.row["columns"]) == 1:
        if len(found.row["columns"][0]) == 1:
            return blocks.step(document, found.row["key"], by)
        at = [row["key"] for row in document["rows"]].index(found.row["key"]) + by
        beside = document["rows"][at] if 0 <= at < len(document["rows"]) else None
        if not 0 <= found.number + by < len(found.row["columns"][0]) and beside and len(beside["columns"]) == 1:
            there = len(beside["columns"][0])
            return blocks.move(document, key, (beside["key"], 0, max(0, there - 1) if by < 0 else min(1, there)))
    return _tidied(blocks.step(document, key, by), document, key)


def _aside(document: blocks.Document, key: str, by: int) -> blocks.Document:
    """A block into the column beside its own."""
    if any(row["key"] == key for row in document["rows"]):
        return document
    found = blocks.find(document, key)
    to = found.column + by
    if not 0 <= to < len(found.row["columns"]):
        return document
    return blocks.move(document, key, (found.row["key"], to, min(found.number, len(found.row["columns"][to]))))


def _beside(document: blocks.Document, key: str) -> str:
    """The part that is chosen when this one is gone: the next one, else the one before."""
    row = next((one for one in document["rows"] if one["key"] == key), None)
    gone = {key, *(b["key"] for c in row["columns"] for b in c)} if row else {key}
    all = [found.block["key"] for found in blocks.each(document)]
    behind = [k for n, k in enumerate(all) if k not in gone and any(other in gone for other in all[:n])]
    before = [k for k in all if k not in gone]
    return behind[0] if behind else before[-1] if before else MAIL


def _without(document: blocks.Document, key: str) -> blocks.Document:
    made = blocks.remove(document, key)
    return made if any(row["key"] == key for row in document["rows"]) else _tidied(made, document, key)


@allow("emails", "view")
@told
def part(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The settings of a part (GET); what was changed in them (POST). Answers no panel then: somebody is typing in it."""
    email = get(pk)
    if request.method != "POST":
        return render(request, "emails/panel.html", mail_editor.context(request, email, key))
    permissions.require(request.user, "emails", "edit")
    sent, who, seen = request.POST, actor(request), revision(request, email)
    draft = emails.draft(email)
    again = False  # whether the panel itself looks different now
    try:
        if key == MAIL:
            values = {name: sent[name] for name in SETTINGS if name in sent}
            again = values.get("purpose", draft["purpose"]) != draft["purpose"]
            email = emails.draft_save(pk, who, seen, **values)
        elif key == CODE:
            email = emails.draft_save(pk, who, seen, **{name: sent[name] for name in ("body", "text") if name in sent})
        else:
            document, again = _changed(draft["document"], key, sent)
            email = emails.draft_save(pk, who, seen, document=document)
    except Invalid as error:
        response = render(
            request, "emails/refused.html", {**mail_editor.context(request, email, key), "problems": error.problems, "errors": faults(error)}, status=422
        )
        response["HX-Retarget"], response["HX-Reswap"] = "#panel-faults", "innerHTML"
        return response
    return answer(request, email, key, panel=again)


def _changed(document: blocks.Document, key: str, sent: Any) -> tuple[blocks.Document, bool]:
    """The document with what a panel sent, and whether the panel must be drawn anew."""
    if key == LOOK:
        return blocks.restyle(
            document, {name: sent.get(name, "") for name in blocks.THEME if name != "link" or "link!" in sent} | ({} if "link!" in sent else {"link": ""})
        ), False
    row = next((one for one in document["rows"] if one["key"] == key), None)
    if row is not None:
        values = {
            "layout": sent.get("layout", row["layout"]),
            "space": sent.get("space", ""),
            "colour": sent.get("colour", "") if "colour!" in sent else "",
            "stack": "stack" in sent,
        }
        return blocks.change(document, key, values), False
    block = blocks.find(document, key).block
    values = mail_editor.given(KINDS[block["kind"]].fields, sent)
    return blocks.change(document, key, {**values, **({"space": sent["space"]} if "space" in sent else {})}), "image" in values and values[
        "image"
    ] != block.get("image")


@require_POST
@allow("emails", "edit")
@told
def condition(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Whom a row or block is for: the filter of its panel."""
    email = get(pk)
    asked = str(request.POST.get("filter!", ""))
    tree = filter_editor.tree(request.POST, "filter")
    stored = {} if request.POST.get("everybody") else filter_editor.pruned(tree)
    document = blocks.change(emails.draft(email)["document"], key, {"filter": stored})
    email = emails.draft_save(pk, actor(request), revision(request, email), document=document)
    if request.POST.get("everybody"):
        return answer(request, email, key)
    more = mail_editor.condition(request, pk, key, tree, filter_editor.focus_of(asked, tree))
    return answer(request, email, key, panel=False, with_condition=True, **more)


@require_POST
@allow("emails", "edit")
@told
def back(request: HttpRequest, pk: int) -> HttpResponse:
    """A state of the draft as the editor had it before (undo, redo), or has it (when somebody else saved meanwhile)."""
    email = get(pk)
    try:
        state = json.loads(request.POST.get("draft", ""))
        if not isinstance(state, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise Invalid.one("draft", "INVALID_VALUE", _("This state cannot be read.")) from None
    email = emails.draft_save(
        pk, actor(request), revision(request, email), **{name: value for name, value in state.items() if name in {"name", *emails.DRAFTED}}
    )
    return answer(request, email, request.POST.get("key", ""))


@require_POST
@allow("emails", "edit")
@told
def mode(request: HttpRequest, pk: int) -> HttpResponse:
    """From blocks to HTML that is written by hand, or back. What was made of blocks is there when one goes back."""
    email = get(pk)
    draft = emails.draft(email)
    if request.POST.get("to") == "raw":
        body = emails.compiled(draft)["body"]
        email = emails.draft_save(pk, actor(request), revision(request, email), mode="raw", body=body)
    else:
        document = draft["document"] or blocks.new(
            rows=[blocks.new_row("1", [[blocks.new_block("code", html=draft["body"])]]), blocks.new_row("1", [[blocks.new_block("footer")]])]
        )
        email = emails.draft_save(pk, actor(request), revision(request, email), mode="blocks", document=document)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = f"/emails/{pk}/"
    return response


@require_POST
@allow("emails", "edit")
@told
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep an image: in the chosen block where that shows one, else as a new image block at the place it was dropped."""
    email = get(pk)
    sent = request.FILES.get("file")
    try:
        if not isinstance(sent, UploadedFile):
            raise Invalid.one("file", "REQUIRED", _("Choose a file first."))
        kept = images.add(*file_parts(sent), actor=actor(request))
    except Invalid as error:
        response = toast(HttpResponse(status=422), error.problems[0].message)
        response["HX-Reswap"] = "none"
        return response
    draft = emails.draft(email)
    if not mail_editor.is_composed(draft):
        response = toast(HttpResponse(), _("Image kept: {address}").format(address=images.address(kept.key)))
        response["HX-Reswap"] = "none"
        return response
    document, key, at = draft["document"], request.POST.get("key", ""), request.POST.get("at", "")
    block = next((found.block for found in blocks.each(document) if found.block["key"] == key), None)
    if block is not None and not at and any(field.name == "image" for field in KINDS[block["kind"]].fields):
        document = blocks.change(document, key, {"image": kept.key})
    else:
        document, key = _add(document, "image", at, key)
        document = blocks.change(document, key, {"image": kept.key})
    email = emails.draft_save(pk, actor(request), revision(request, email), document=document)
    return answer(request, email, key)


@require_GET
@allow("emails", "view")
def others(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether somebody else changed the mail since the editor last heard; asked every few seconds."""
    email = get(pk)
    if revision(request, email) == email.revision:
        return HttpResponse("")
    text = _("{who} changed this e-mail meanwhile. Load it again to go on.").format(who=mail_editor.others(request, email) or _("Somebody else"))
    return render(request, "emails/conflict.html", {"email": email, "text": text})
