"""What came in by a form: answers with the people who gave them, as a table and as a file; and what waits in quarantine."""

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import rights as access
from baton.accounts.rights import Rights
from baton.forms import definition as documents
from baton.forms import quarantine as apart
from baton.forms import spam, verbs
from baton.forms.models import Form
from baton.platform import history, sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.segments import exports

from ..answer import toast
from ..page import Page, actor, allow, allow_records, user
from ..parts import people
from ..templatetags.fmt import phone
from .forms import one
from .forms_builder import head

PAGE = 50
BATCH = 2_000
MOST = 10_000  # answers are counted so far
SHOWN = 3  # answers in a line, beside name and address
ROWS = """
SELECT s.contact_id, s.id, s.version, s.values, s.consents, s.about, s.page_url, s.page_title, s.at, coalesce(c.properties ->> 'original_source', '')
FROM form_submission s JOIN contact c ON c.id = s.contact_id
WHERE s.form_id = %(form)s AND {seen} AND {only} AND (%(at)s::timestamptz IS NULL OR (s.at, s.id) < (%(at)s, %(id)s))
ORDER BY s.at DESC, s.id DESC LIMIT %(limit)s
"""


class FormsAnswers(Page):
    key = "forms-answers"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("forms/<int:pk>/answers/", show),
            path("forms/<int:pk>/answers/file/", download),
            path("forms/<int:pk>/quarantine/", quarantine),
            path("forms/<int:pk>/quarantine/do/", decide),
        ]


def _only(request: HttpRequest) -> tuple[str, dict[str, Any], dict[str, str]]:
    """What the address narrows the answers to (day, page, version, without): a condition, its parameters, and the words of the address."""
    parts, given, kept = ["true"], dict[str, Any](), dict[str, str]()
    if day := _day(request.GET.get("day", "")):
        begin = datetime.combine(day, time(), config().zone)
        parts.append("s.at >= %(begin)s AND s.at < %(end)s")
        given |= {"begin": begin, "end": datetime.combine(day + timedelta(days=1), time(), config().zone)}
        kept["day"] = day.isoformat()
    if page := request.GET.get("page", "").replace("\0", "")[:2048]:
        parts.append("split_part(split_part(s.page_url, '?', 1), '#', 1) = %(page)s")
        given["page"] = kept["page"] = page
    if (number := request.GET.get("version", "")).isdecimal() and number.isascii() and len(number) < 9:
        parts.append("s.version = %(version)s")
        given["version"], kept["version"] = int(number), number
    return " AND ".join(parts), given, kept


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _rows(
    form: Form, held: Rights, action: access.Action, only: tuple[str, dict[str, Any]], after: tuple[datetime, int] | None, limit: int
) -> list[dict[str, Any]]:
    """Answers of people whom the rights let see (or export), newest first, behind a place."""
    seen, params = held.where("contact", action, "c")
    names = {f"seen{n}": value for n, value in enumerate(params)}
    for name in names:
        seen = seen.replace("%s", f"%({name})s", 1)
    given = {**only[1], **names, "form": form.pk, "at": after[0] if after else None, "id": after[1] if after else None, "limit": limit}
    keys = ("contact_id", "id", "version", "values", "consents", "about", "page_url", "page_title", "at", "source")
    found = [dict(zip(keys, row, strict=True)) for row in sql.rows(ROWS.format(seen=seen, only=only[0]), given)]
    return [{**row, **{name: json.loads(row[name]) for name in ("values", "consents", "about")}} for row in found]


@require_GET
@allow("forms")
@allow_records("contact", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The answers, newest first, a page at a time (`?after=` goes on)."""
    form = one(pk, archived=True)
    held = access.of(user(request))
    condition, given, kept = _only(request)
    rows = _rows(form, held, "view", (condition, given), _after(request), PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    named = people.named(row["contact_id"] for row in rows)
    fields = _fields(form)
    lines = [{**row, "person": named.get(row["contact_id"]), **_answers(row, fields)} for row in rows]
    next_url = "?" + urlencode({**kept, "after": f"{rows[-1]['at'].isoformat()}_{rows[-1]['id']}"}) if more else ""
    context = {
        **head(request, form, "answers"), "lines": lines, "next_url": next_url, "kept": kept, "begun": "after" in request.GET,
        "may_export": held.may("contact", "export"), "total": form_total(form) if not kept else None,
    }  # fmt: skip
    return render(request, "forms_answers/page.html", context)


def form_total(form: Form) -> tuple[int, bool]:
    """How many answers the form has, counted to MOST; and whether that is all of them."""
    found = int(sql.rows("SELECT count(*) FROM (SELECT 1 FROM form_submission WHERE form_id = %s LIMIT %s) few", [form.pk, MOST + 1])[0][0])
    return min(found, MOST), found <= MOST


def _after(request: HttpRequest) -> tuple[datetime, int] | None:
    when, _bar, number = request.GET.get("after", "").rpartition("_")
    try:
        at = datetime.fromisoformat(when)
        return (at, int(number)) if at.tzinfo and len(number) < 20 else None
    except ValueError:
        return None


def _fields(form: Form) -> dict[str, dict[str, Any]]:
    """All fields the form has or had, newest words first."""
    found: dict[str, dict[str, Any]] = {}
    for definition in (form.draft, *(version.definition for version in verbs.versions(form)[:20])):
        for field in documents.whole(definition)["fields"]:
            if field["type"] not in documents.DISPLAY:
                found.setdefault(field["name"], field)
    return found


def _answers(row: dict[str, Any], fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The answers in the order of the fields, with labels instead of values; and the few that stand in the line."""
    known = [name for name in fields if name in row["values"]] + [name for name in row["values"] if name not in fields]
    all_ = [(str(fields.get(name, {}).get("label") or name), said(fields.get(name), row["values"][name])) for name in known]
    line = [words for name, words in zip(known, all_, strict=True) if name not in ("email", "firstname", "lastname", "company", "jobtitle")][:SHOWN]
    return {"answers": all_, "line": line}


def said(field: dict[str, Any] | None, value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, list):
        return ", ".join(said(field, one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field is not None and field["type"] in documents.CHOICES:
        return next((o["label"] for o in documents.options(field) if o["value"] == str(value)), str(value))
    if field is not None and field["type"] in ("phone", "mobile"):
        return phone(str(value))
    return str(value)


@require_GET
@allow("forms")
@allow_records("contact", "export")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The answers as CSV, as the page is narrowed; only of people whom this user may export. It is noted in the history."""
    form = one(pk, archived=True)
    held = access.of(user(request))
    condition, given, kept = _only(request)
    fields = _fields(form)
    history.record(actor(request), "exported", "form", form.pk, **kept)

    def lines() -> Iterator[str]:
        yield "\ufeff" + _csv(
            [_("When"), _("Contact"), _("Version"), _("Page"), _("Source"), _("Agreed to"), *(str(f["label"] or name) for name, f in fields.items())]
        )
        after: tuple[datetime, int] | None = None
        while rows := _rows(form, held, "export", (condition, given), after, BATCH):
            yield "".join(_csv(_cells(row, fields)) for row in rows)
            after = rows[-1]["at"], rows[-1]["id"]

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="form-{pk}-answers.csv"'
    return response


def _cells(row: dict[str, Any], fields: dict[str, dict[str, Any]]) -> list[str]:
    agreed = "; ".join(str(one.get("key", "")) for one in row["consents"] if one.get("granted"))
    values = [said(field, row["values"][name]) if name in row["values"] else "" for name, field in fields.items()]
    when = row["at"].astimezone(config().zone).isoformat(timespec="seconds")
    return [when, str(row["contact_id"]), str(row["version"]), row["page_url"], row["source"], agreed, *values]


def _csv(cells: list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([exports.safe(cell) for cell in cells])
    return text.getvalue()


# Quarantine ---------------------------------------------------------------------------


@require_GET
@allow("forms")
def quarantine(request: HttpRequest, pk: int) -> HttpResponse:
    """What looks like spam, with the reasons; nothing of it is a contact."""
    return render(request, "forms_answers/quarantine.html", _waiting(request, one(pk, archived=True)))


def _waiting(request: HttpRequest, form: Form) -> dict[str, Any]:
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    rows = apart.listing(form, before=before, limit=PAGE + 1)
    fields = _fields(form)
    lines = [
        {"row": row, "reasons": [spam.REASONS.get(word, word) for word in row.reasons], **_answers({"values": row.values}, fields),
         "page": (row.sent or {}).get("page_url", "")}
        for row in rows[:PAGE]
    ]  # fmt: skip
    return {**head(request, form, "quarantine"), "lines": lines, "next_id": rows[PAGE - 1].pk if len(rows) > PAGE else None, "kept_days": apart.KEPT.days}


@require_POST
@allow("forms", "edit")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an answer as if it were sent then, or throw answers away."""
    form, what = one(pk, archived=True), request.POST.get("do", "")
    ids = [int(id) for id in request.POST.getlist("id") if id.isascii() and id.isdecimal() and len(id) < 19]
    mine = [row.pk for row in apart.listing(form, limit=apart.MOST) if row.pk in set(ids)]
    if what == "release":
        try:
            done = [apart.release(id, actor=actor(request)) for id in mine]
            text = ngettext("The answer is taken: it belongs to a contact now.", "{n} answers are taken: they belong to contacts now.", len(done)).format(
                n=len(done)
            )
        except Invalid as error:
            text = _("It does not fit the form and stays here: {why}").format(why=" ".join(dict.fromkeys(p.message for p in error.problems)))
    else:
        gone = apart.delete(mine, actor=actor(request))
        text = ngettext("{n} answer was thrown away.", "{n} answers were thrown away.", gone).format(n=gone)
    return toast(render(request, "forms_answers/waiting.html", _waiting(request, form)), text)
