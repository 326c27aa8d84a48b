"""What a user does with imports: upload, match, look, start, stop being sorry."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import pipelines, properties, types
from baton.crm.imports import matching, parse, reading, run, scan, sources, store, targets
from baton.crm.imports.notes import note
from baton.crm.imports.options import CONSENT, EVERYBODY, FAULTY, MODES, OCCASIONS, Options
from baton.crm.imports.reading import Layout
from baton.crm.imports.targets import ACTIVITIES, Target
from baton.crm.models import Import
from baton.crm.models.property import PropertyType
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

LARGEST = 200 << 20  # bytes of a CSV file
LARGEST_BOOK = 30 << 20  # bytes of a workbook, which is read into memory
LOOK = 5000  # rows that a preview tries


def upload(name: str, chunks: Iterable[bytes], *, actor: Actor, object_type: str = "") -> Import:
    """Keep a file and see what it is: layout, headers, a guess for each column. Raises Invalid (`file`)."""
    with transaction.atomic():
        row = Import.objects.create(
            object_type=object_type, name=name[:200], size=0, actor=str(actor), language=(translation.get_language() or "ko")[:2], created_at=clock.now()
        )
        try:
            row.size = store.write("import", row.pk, chunks, limit=LARGEST)
        except ValueError:
            raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=LARGEST >> 20)) from None
        with store.open("import", row.pk) as file:
            head = file.read(8)
        whole = head.startswith(reading.BOOKS)
        if whole and row.size > LARGEST_BOOK:
            size = LARGEST_BOOK >> 20
            raise Invalid.one("file", "TOO_LARGE", _("A workbook can have {size} MB at most. Save it as CSV and upload that.").format(size=size))
        with store.open("import", row.pk, whole=whole) as file:
            layout = reading.detect(file)  # type: ignore[arg-type]  # reads like a BinaryIO
        _look(row, layout, guess_type=not object_type)
        row.save()
    return row


def read_as(import_id: int, *, actor: Actor, encoding: str = "", delimiter: str = "", sheet: str = "", object_type: str = "") -> Import:
    """Read the file another way, or as records of another kind; columns are matched anew. Raises NotFound, Conflict, Invalid."""
    row = draft(import_id)
    layout = Layout(**row.layout)
    if layout.kind == "csv":
        layout.encoding, layout.delimiter = encoding or layout.encoding, delimiter or layout.delimiter
        if layout.delimiter not in reading.DELIMITERS and len(layout.delimiter) != 1:
            raise Invalid.one("delimiter", "INVALID_OPTION", _("A delimiter is one letter."))
        try:
            "".encode(layout.encoding)
        except LookupError:
            raise Invalid.one("encoding", "INVALID_OPTION", _("There is no encoding {name}.").format(name=layout.encoding)) from None
    elif sheet:
        layout.sheet = sheet
    if object_type:
        _known_type(object_type)
        row.object_type = object_type
    with transaction.atomic():
        _look(row, layout, guess_type=False)
        row.save()
    return row


def _look(row: Import, layout: Layout, *, guess_type: bool) -> None:
    with store.open("import", row.pk, whole=layout.kind == "book") as file:
        found = scan.scan(reading.rows(file, layout))  # type: ignore[arg-type]
    source = sources.recognise(found.headers, row.name)
    row.layout, row.headers, row.seen, row.rows, row.origin = layout.stored(), found.headers, found.columns, found.rows, source.origin
    if guess_type or not row.object_type:
        row.object_type = source.object_type
    row.columns = _as_before(row) or [{"to": target} for target in matching.guess(row.object_type, found.headers, found.columns, origin=source.origin)]
    options = Options(everybody=source.consent, source=sources.LABELS.get(source.origin, "") or row.name)
    row.options = {**options.stored(), "dates": date_order(row)}


def _as_before(row: Import) -> list[dict[str, Any]]:
    """Where the columns of the last file with these headers went; [] when there was none, or when something of it is gone."""
    last = Import.objects.filter(object_type=row.object_type, headers=row.headers, state="done").order_by("-pk").first()
    found = []
    for column in last.columns if last else []:
        target = Target.parse(column["to"])
        to = f"property:{target.object_type}:{column.get('name', '')}" if target.what == "new" else column["to"]
        if not targets.exists(Target.parse(to), row.object_type):
            return []
        values = {text: value for text, value in (column.get("values") or {}).items() if value != "+"}
        found.append({"to": to, **({"values": values} if values else {})})
    return found


def date_order(row: Import) -> str:
    """How the dates of the file are meant, as far as it shows: "" when no column asks for it, "mdy" or "dmy"; a guess by the language when both would do."""
    orders = set()
    for column, seen in zip(row.columns, row.seen, strict=True):
        if _is_date(Target.parse(column["to"])):
            orders.add(parse.order(seen["examples"]))
    orders.discard("ymd")
    if not orders:
        return ""
    sure = orders - {""}
    return next(iter(sure)) if len(sure) == 1 else "mdy" if row.language in ("ko", "en") else "dmy"


def asks_dates(row: Import) -> bool:
    """Whether a date column could be read both ways, so that the user must say."""
    return any(_is_date(Target.parse(column["to"])) and parse.order(seen["examples"]) == "" for column, seen in zip(row.columns, row.seen, strict=True))


def _is_date(target: Target) -> bool:
    if target.what in ("consent_at", "created") or (target.object_type == "activity" and target.name in ("at", "due")):
        return True
    if target.what == "new":
        return target.name in (PropertyType.DATE, PropertyType.DATETIME)
    if target.what != "property" or target.object_type == "activity":
        return False
    definition = properties.definitions(target.object_type).get(target.name)
    return definition is not None and definition.type in (PropertyType.DATE, PropertyType.DATETIME)


def match(import_id: int, columns: Sequence[Mapping[str, Any]], options: Mapping[str, Any], *, actor: Actor) -> Import:
    """Say where each column goes and how. Raises Invalid (`columns.<n>`, `options.<name>`), NotFound, Conflict when the import has begun."""
    row = draft(import_id)
    problems = []
    taken: dict[str, int] = {}
    for place, column in enumerate(columns):
        text = str(column.get("to", ""))
        if not targets.exists(Target.parse(text), row.object_type):
            problems.append(Problem(f"columns.{place}", "INVALID_OPTION", _("A column cannot go there.")))
        elif text in taken and not text.startswith(("new:", "link:")):
            first = row.headers[taken[text]]
            problems.append(Problem(f"columns.{place}", "TWICE", _("{header} goes there already.").format(header=first)))
        elif text:
            taken.setdefault(text, place)
    if len(columns) != len(row.headers):
        problems.append(Problem("columns", "COUNT", _("Every column needs an answer.")))
    if not any(column.get("to") for column in columns):
        problems.append(Problem("columns", "NOTHING", _("Choose at least one column.")))
    elif row.object_type == "activity" and "kind:activity" not in taken:
        problems.append(Problem("columns", "NO_KIND", _("Choose the column that says whether a row is a call, a meeting or something else.")))
    for name, allowed in (("mode", MODES), ("faulty", FAULTY), ("consent", CONSENT), ("dates", ("", "mdy", "dmy")), ("empty", ("keep", "clear"))):
        if options.get(name, allowed[0]) not in allowed:
            problems.append(Problem(f"options.{name}", "INVALID_OPTION", _("{value} is not an option here.").format(value=options[name])))
    problems += _occasion(row, columns, options)
    if problems:
        raise Invalid(problems)
    row.columns = [dict(column) for column in columns]
    row.options = {**row.options, **{name: value for name, value in options.items() if name in Options.__slots__}}
    row.save(update_fields=["columns", "options"])
    return row


def _occasion(row: Import, columns: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> list[Problem]:
    """People met at a fair or a seminar: it has a name and a day, and whether each of them agreed to be written to is known."""
    options = Options.of({**row.options, **given})
    problems = []
    for name, allowed in (("everybody", EVERYBODY), ("occasion", OCCASIONS if row.object_type == "contact" else ("",))):
        if getattr(options, name) not in allowed:
            problems.append(Problem(f"options.{name}", "INVALID_OPTION", _("{value} is not an option here.").format(value=getattr(options, name))))
    if not options.occasion or problems:
        return problems
    if not options.occasion_name.strip():
        problems.append(Problem("options.occasion_name", "REQUIRED", _("Name the event: it becomes the source of these people.")))
    try:
        ahead = date.fromisoformat(options.occasion_day) > clock.now().astimezone(config().zone).date()
    except ValueError:
        problems.append(Problem("options.occasion_day", "REQUIRED", _("Say on which day the event was.")))
    else:
        if ahead:
            problems.append(Problem("options.occasion_day", "AHEAD", _("The event has not taken place yet.")))
    asked = any(Target.parse(str(column.get("to", ""))).what in ("consent", "refused") for column in columns)
    if not asked and not options.everybody:
        text = _("Say for each person whether he agreed to be written to: choose a column, or an answer for everybody.")
        problems.append(Problem("options.everybody", "REQUIRED", text))
    elif (asked or options.everybody == "yes") and options.source.strip() in ("", row.name):
        problems.append(Problem("options.source", "REQUIRED", _("Write what people agreed to, as it stood on the card or the list: it is kept as proof.")))
    return problems


def draft(import_id: int) -> Import:
    """An import that has not begun. Raises NotFound, Conflict."""
    row = get(import_id)
    if row.state != "draft":
        raise Conflict(_("This import has begun already."))
    return row


def get(import_id: int) -> Import:
    """Raises NotFound."""
    row = Import.objects.filter(pk=import_id).first()
    if row is None:
        raise NotFound(_("There is no such import."))
    return row


def look(import_id: int) -> run.Look:
    """The first LOOK rows as they would be, the counts among them, and notes; nothing is written. Raises NotFound, Conflict, Invalid."""
    row = draft(import_id)
    with transaction.atomic():
        _make_properties(row, Actor.parse(row.actor))
        found = run.preview(row, LOOK)
        transaction.set_rollback(True)
    properties.forget()
    if not has_key(row):
        found.notes.insert(0, note("NO_KEY"))
    return found


def has_key(row: Import) -> bool:
    """Whether a column tells the records apart, so that the same file a second time changes them and does not double them."""
    sure = {"contact": {"email"}, "company": {"name", "domain", "business_number"}, "product": {"name"}}.get(row.object_type, set())
    for column in row.columns:
        target = Target.parse(column["to"])
        if target.object_type == row.object_type and (
            target.what == "id" or target.unique or (target.what == "property" and (target.name in sure or target.name in _unique(row.object_type)))
        ):
            return True
    return False


def _unique(object_type: str) -> list[str]:
    return targets.unique_names("call" if object_type == "activity" else object_type)


def start(import_id: int, *, actor: Actor) -> Import:
    """Let it begin: new properties and options are made, and a worker takes the rows. Raises NotFound, Conflict, Invalid, Forbidden."""
    with transaction.atomic():
        row = Import.objects.raw("SELECT * FROM import WHERE id = %s FOR UPDATE", [import_id])
        found = next(iter(row), None)
        if found is None or found.state != "draft":
            draft(import_id)
        assert found is not None
        _make_properties(found, actor)
        found.state, found.actor, found.counts, found.notes = "waiting", str(actor), {}, [] if has_key(found) else [note("NO_KEY")]
        found.language = (translation.get_language() or "ko")[:2]
        found.save()
        history.record(actor, "started", "import", found.pk, name=found.name, object_type=found.object_type, rows=found.rows)
        from baton.crm.jobs import run_import

        run_import.defer(lock=f"import:{found.pk}", import_id=found.pk)
    return found


def undo(import_id: int, *, actor: Actor) -> Import:
    """Take a whole import back. Raises NotFound, Conflict when it runs, was undone, or never began."""
    with transaction.atomic():
        if not Import.objects.filter(pk=import_id, state__in=("done", "failed")).update(state="undoing", actor=str(actor)):
            get(import_id)
            raise Conflict(_("This import cannot be undone now."))
        history.record(actor, "undone", "import", import_id)
        from baton.crm.jobs import undo_import

        undo_import.defer(lock=f"import:{import_id}", import_id=import_id)
    return get(import_id)


def discard(import_id: int, *, actor: Actor) -> None:
    """Throw a draft away with its file. Raises NotFound, Conflict."""
    row = draft(import_id)
    with transaction.atomic():
        store.drop("import", row.pk)
        row.delete()


def _known_type(object_type: str) -> None:
    if object_type != "activity":
        types.get(object_type)


def _make_properties(row: Import, actor: Actor) -> None:
    """Make the properties and options that the columns ask for. Raises Invalid, Conflict."""
    for place, column in enumerate(row.columns):
        target = Target.parse(column["to"])
        if target.what == "new":
            _new_property(row, place, target, actor)
        elif target.what == "property" and target.object_type != "activity" and "+" in (column.get("values") or {}).values():
            if target.name == "pipeline":
                _new_pipelines(column, target.object_type, actor)
            else:
                _new_options(column, target, actor)


def _new_property(row: Import, place: int, target: Target, actor: Actor) -> None:
    header = row.headers[place]
    name = matching.property_name(header)
    for kind in ACTIVITIES if target.object_type == "activity" else (target.object_type,):
        known = properties.definitions(kind).get(name)
        if known is None:
            options = None
            if target.name in (PropertyType.CHOICE, PropertyType.MULTI_CHOICE):
                values = [str(pair[0]) for pair in row.seen[place]["values"] or []]
                options = [{"value": value, "label": value} for value in values if ";" not in value]
            properties.define(kind, name, header, target.name, actor=actor, options=options, unique_value=target.unique)
        elif known.read_only or (target.unique and not known.unique_value):
            raise Conflict(_("A property named '{name}' already exists.").format(name=name))
    row.columns[place]["name"] = name


def _new_options(column: dict[str, Any], target: Target, actor: Actor) -> None:
    definition = properties.definitions(target.object_type).get(target.name)
    if definition is None or definition.type not in (PropertyType.CHOICE, PropertyType.MULTI_CHOICE):
        return
    have = {option["value"] for option in definition.options}
    fresh = [text for text, value in column["values"].items() if value == "+" and text not in have and ";" not in text]
    if fresh:
        options = [*definition.options, *({"value": text, "label": text} for text in fresh)]
        properties.change(target.object_type, target.name, actor=actor, options=options)


def _new_pipelines(column: dict[str, Any], object_type: str, actor: Actor) -> None:
    """Pipelines of these names, with the stages of the first one."""
    first = pipelines.pipelines(object_type)[0]
    fields = ("key", "probability", "closed", "hours")
    stages = [
        {"label": pipelines.label(stage), **{name: getattr(stage, name) for name in fields}}
        for stage in first.stages_in_order  # type: ignore[attr-defined]  # pipelines() puts it there
    ]
    have = {pipelines.label(pipeline) for pipeline in pipelines.pipelines(object_type)}
    for text, value in column["values"].items():
        if value == "+" and text not in have:
            pipelines.define(object_type, text, stages, actor=actor)
