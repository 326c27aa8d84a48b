"""The wizard of imports: file, columns, preview, progress, result; and the list of past ones."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts import rights as access
from baton.accounts.models import User
from baton.crm import types
from baton.crm.imports import encodings, faults, matching, sources, verbs
from baton.crm.imports.notes import Note
from baton.crm.imports.options import Options
from baton.crm.imports.plan import Item
from baton.crm.imports.run import Look
from baton.crm.imports.targets import Target
from baton.crm.models import Import
from baton.crm.wording import Wording, raw
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform.actor import Actor
from baton.platform.errors import Forbidden, Invalid, NotFound
from baton.web.answer import go
from baton.web.page import Item as NavItem
from baton.web.page import Page, actor, allow, user
from baton.web.parts import import_form
from baton.web.parts.address import table_url

SHOWN = 20  # rows of the preview
PAST = 100  # imports of the list
KINDS = ("contact", "company", "deal", "ticket", "product")


class Imports(Page):
    key = "import"
    label = _("Import")
    icon = "file-up"
    group = "customers"
    order = 90

    @classmethod
    def items(cls, user: User) -> list[NavItem]:
        return super().items(user) if _importable(user) else []

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("import/", start),
            path("import/<int:pk>/", show),
            path("import/<int:pk>/read/", read_as),
            path("import/<int:pk>/match/", match),
            path("import/<int:pk>/preview/", preview),
            path("import/<int:pk>/start/", begin),
            path("import/<int:pk>/progress/", progress),
            path("import/<int:pk>/undo/", undo),
            path("import/<int:pk>/discard/", discard),
            path("import/<int:pk>/faults/", download),
        ]


def _importable(who: User) -> list[str]:
    """The object types this user may import."""
    held = access.of(who)
    own = [kind.key for kind in types.all(activities=False) if kind.key not in (*KINDS, "line_item", "quote")]
    found = [kind for kind in (*KINDS, *own) if held.may(kind, "import")]
    return [*found, "activity"] if held.may("call", "import") else found


def _kind_label(key: str) -> str:
    return gettext("Calls, meetings, tasks, notes, e-mails") if key == "activity" else types.label(types.get(key), plural=True)


def _mine(request: HttpRequest, pk: int) -> Import:
    """An import of this user; administrators see everybody's. Raises NotFound, Forbidden."""
    row = verbs.get(pk)
    if row.actor != str(actor(request)) and not permissions.can(user(request), "settings", "edit"):
        raise NotFound(gettext("There is no such import."))
    if row.object_type not in _importable(user(request)):
        raise Forbidden(access.refusal())
    return row


@allow("imports", "edit")
def start(request: HttpRequest) -> HttpResponseBase:
    """GET: upload a file, and what was imported before. POST: keeps the file and goes on to its columns."""
    kinds = _importable(user(request))
    if not kinds:
        raise Forbidden(access.refusal())
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        wanted = request.POST.get("type", "")
        try:
            if file is None:
                raise Invalid.one("file", "REQUIRED", gettext("Choose a file."))
            row = verbs.upload(str(file.name), file.chunks(), actor=actor(request), object_type=wanted if wanted in kinds else "")
            if row.object_type not in kinds:
                verbs.read_as(row.pk, object_type=kinds[0], actor=actor(request))
            return redirect(f"/import/{row.pk}/")
        except Invalid as invalid:
            error = "; ".join(problem.message for problem in invalid.problems)
    past = Import.objects.defer("seen", "headers", "columns").order_by("-pk")
    if not permissions.can(user(request), "settings", "edit"):
        past = past.filter(actor=str(actor(request)))
    rows = list(past[:PAST])
    people = dict(User.objects.filter(pk__in={Actor.parse(row.actor).id for row in rows}).values_list("pk", "name"))
    context = {
        "error": error,
        "kinds": [(key, _kind_label(key)) for key in kinds],
        "imports": [(row, _kind_label(row.object_type), people.get(Actor.parse(row.actor).id or 0, "")) for row in rows],
        "limit": verbs.LARGEST >> 20,
        "book_limit": verbs.LARGEST_BOOK >> 20,
        "type": request.GET.get("type", ""),
    }
    return render(request, "imports/start.html", context, status=422 if error else 200)


@require_GET
@allow("imports", "edit")
def show(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The step an import is at: its columns, how far it is, or what became of it."""
    row = _mine(request, pk)
    if row.state == "draft":
        return render(request, "imports/match.html", _matching(request, row))
    return render(request, "imports/result.html", _result(row))


def _matching(request: HttpRequest, row: Import, error: Invalid | None = None) -> dict[str, Any]:
    by_column: dict[str, str] = {}
    others = []
    for problem in error.problems if error else []:
        where, _dot, number = problem.path.partition(".")
        if where == "columns" and number:
            by_column.setdefault(number, problem.message)
        else:
            others.append(problem.message)
    columns = import_form.columns(row, by_column)
    return {
        "row": row,
        "columns": columns,
        "used": sum(bool(column.to) for column in columns),
        "left": [column.header for column in columns if not column.to and column.filled],
        "groups": matching.choices(row.object_type),
        "fresh_kinds": import_form.kinds(),
        "origin": sources.LABELS.get(row.origin, ""),
        "kinds": [(key, _kind_label(key)) for key in _importable(user(request))],
        "kind_label": _kind_label(row.object_type),
        "encodings": list(encodings.CHOICES.items()),
        "encoding": {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(row.layout["encoding"], row.layout["encoding"]),
        "delimiters": [(",", ","), (";", ";"), ("\t", gettext("Tab")), ("|", "|")],
        "options": Options.of(row.options),
        "asks_dates": verbs.asks_dates(row) or bool(row.options.get("dates")),
        "has_consent": any(Target.parse(column["to"]).what in ("consent", "refused") for column in row.columns) or bool(row.options.get("everybody")),
        "has_key": verbs.has_key(row),
        "occasions": import_form.OCCASIONS.items(),
        "occasion_names": keys.recent(Kind.ATTENDED) if row.options.get("occasion") else [],
        "faults": others,
    }


@require_POST
@allow("imports", "edit")
def read_as(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file in other letters, with another delimiter, from another worksheet, or as other records."""
    row = _mine(request, pk)
    given = {name: request.POST.get(name, "") for name in ("encoding", "delimiter", "sheet", "object_type")}
    if given["encoding"] == {"utf-8-sig": "utf-8"}.get(row.layout["encoding"], row.layout["encoding"]):
        given["encoding"] = ""
    if given["object_type"] and given["object_type"] not in _importable(user(request)):
        raise Forbidden(access.refusal())
    row = verbs.read_as(pk, actor=actor(request), **given)
    return render(request, "imports/form.html", _matching(request, row))


@require_POST
@allow("imports", "edit")
def match(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep where the columns go; answers the form again, or (`next`) goes on to the preview."""
    row = _mine(request, pk)
    columns, options = import_form.read(row, request.POST.dict())
    try:
        row = verbs.match(pk, columns, options, actor=actor(request))
    except Invalid as error:
        row.columns, row.options = columns, {**row.options, **options}
        return render(request, "imports/form.html", _matching(request, row, error), status=422)
    if "next" in request.POST:
        return go(f"/import/{pk}/preview/")
    return render(request, "imports/form.html", _matching(request, row))


@require_GET
@allow("imports", "edit")
def preview(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The first rows as they will be, and how many are new, known, double, faulty."""
    row = _mine(request, pk)
    if row.state != "draft":
        return redirect(f"/import/{pk}/")
    try:
        found = verbs.look(pk)
    except Invalid as error:
        return render(request, "imports/match.html", _matching(request, row, error), status=422)
    context = {
        "row": row,
        "kind_label": _kind_label(row.object_type),
        "found": found,
        "numbers": _numbers(found.counts),
        "seen": len(found.items),
        "all": len(found.items) >= row.rows,
        "heads": [column for column in import_form.columns(row) if column.to],
        "lines": _lines(row, found),
        "notes": [_said(note) for note in found.notes],
    }
    return render(request, "imports/preview.html", context)


def _lines(row: Import, found: Look) -> list[tuple[Item, str, list[str]]]:
    """The first rows, and those with problems before others: (row, fate, cells as they will be)."""
    worst = [item for item in found.items if item.problems][: SHOWN // 2]
    chosen = {item.number: item for item in [*found.items[: SHOWN - len(worst)], *worst]}
    wordings: dict[str, Wording] = {}
    lines = []
    for number in sorted(chosen):
        item = chosen[number]
        cells = []
        for place, column in enumerate(row.columns):
            if not column["to"]:
                continue
            target = Target.parse(column["to"])
            text = item.cells[place].strip() if place < len(item.cells) else ""
            own = item.values.get(target.object_type, {})
            if target.what == "property" and target.object_type != "activity":
                wording = wordings.setdefault(target.object_type, Wording(target.object_type))
                text = wording.text(target.name, own[target.name]) if target.name in own else ""
            elif target.what == "new":
                text = raw(own.get(column.get("name") or matching.property_name(row.headers[place]), text))
            cells.append(text[:80])
        lines.append((item, "faulty" if item.lost and found.fates.get(number) != "skipped" else found.fates.get(number, "faulty"), cells))
    return lines


NUMBERS = ("created", "updated", "same", "double", "skipped", "faulty")


def _numbers(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    labels = {
        "created": gettext("New"), "updated": gettext("Changed"), "same": gettext("Unchanged"), "double": gettext("Double in the file"),
        "skipped": gettext("Left out"), "faulty": gettext("Not possible"), "partly": gettext("Without some values"), "linked": gettext("Links"),
    }  # fmt: skip
    return [
        (name, labels[name], counts.get(name, 0)) for name in (*NUMBERS, "partly", "linked") if counts.get(name) or name in ("created", "updated", "faulty")
    ]


def _said(note: Note) -> str:
    rows = note["rows"]
    match note["code"]:
        case "NAME_MATCHED":
            text = ngettext("{was} was taken for {now} ({n} row).", "{was} was taken for {now} ({n} rows).", rows)
        case "PHONE_KEPT":
            text = ngettext(
                "{n} phone number is no valid one here; it is kept as it was written.",
                "{n} phone numbers are no valid ones here; they are kept as they were written.",
                rows,
            )
        case _:
            text = gettext("No column tells the records apart. Importing the file a second time would make every record again.")
    return text.format(was=note["was"], now=note["now"], n=f"{rows:,}")


@require_POST
@allow("imports", "edit")
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the import begin."""
    row = _mine(request, pk)
    access.of(user(request)).require("call" if row.object_type == "activity" else row.object_type, "import")
    verbs.start(pk, actor=actor(request))
    return go(f"/import/{pk}/")


@require_GET
@allow("imports", "edit")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is; asked again every second until it ended."""
    return render(request, "imports/state.html", _result(_mine(request, pk)))


def _result(row: Import) -> dict[str, Any]:
    known = faults.some(row.pk, 50) if row.state not in ("waiting", "running") else []
    kinds = [] if row.object_type == "activity" else [table_url(row.object_type)]
    return {
        "row": row,
        "kind_label": _kind_label(row.object_type),
        "busy": row.state in ("waiting", "running", "undoing"),
        "percent": 0 if not row.rows else min(100, row.position * 100 // row.rows),
        "numbers": _numbers(row.counts),
        "problems": known,
        "notes": [_said(note) for note in row.notes],
        "table": kinds[0] if kinds else "",
        "may_undo": row.state in ("done", "failed") and row.position > 0,
        "undone": {name: row.counts.get(name, 0) for name in ("archived", "restored", "kept", "stuck")},
    }


@require_POST
@allow("imports", "edit")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the whole import back."""
    _mine(request, pk)
    verbs.undo(pk, actor=actor(request))
    return go(f"/import/{pk}/")


@require_POST
@allow("imports", "edit")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a file away that was not imported."""
    _mine(request, pk)
    verbs.discard(pk, actor=actor(request))
    return go("/import/")


@require_GET
@allow("imports", "edit")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows with problems as CSV, in the encoding of the upload."""
    row = _mine(request, pk)
    name = f"{row.name.rpartition('.')[0] or row.name} – {gettext('problems')}.csv"
    response = StreamingHttpResponse(faults.file(row), content_type="text/csv")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
