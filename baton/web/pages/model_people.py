"""Who is behind a number of The Model: exactly the moves it counts, page by page, and as a file for those who may export."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_GET

from baton.accounts import rights
from baton.accounts.rights import Rights
from baton.analytics import people as behind
from baton.analytics import periods
from baton.analytics.people import Entry, Number
from baton.platform import history
from baton.segments import exports

from ..page import Page, actor, allow, allow_records, user
from ..parts import funnel_board, people
from ..parts import funnel_words as words
from ..parts.timeline import who
from ..templatetags.fmt import day_only, iso, num

SIZE = 50


class ModelPeople(Page):
    key = "model-people"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("model/people/", show), path("model/people/export/", export)]


def _number(request: HttpRequest) -> Number:
    given = request.GET
    asked = funnel_board.read(request)
    return behind.number(given.get("stage", ""), given.get("what", "in"), given.get("from", ""), given.get("to", ""), asked.only)


@require_GET
@allow("contacts", "view")
def show(request: HttpRequest) -> HttpResponse:
    """A page of them, newest first. Whom one may not see is counted and not named."""
    number = _number(request)
    entries = number.page(request.GET.get("after", ""), SIZE + 1)
    shown, more = entries[:SIZE], entries[SIZE:]
    held = rights.of(user(request))
    query = request.GET.copy()
    query.pop("after", None)
    asked = funnel_board.read(request)
    count = number.count()
    context = {
        "title": f"{words.stage_name(number.stage)} · {words.what(number.what)}",
        "stretch": f"{day_only(number.first)} – {day_only(periods.add_days(number.until, -1))}",
        "count": count,
        "narrowed": ", ".join(filter(None, (words.source_name(asked.source) if asked.source is not None else "", _owner(asked.owner)))),
        "rows": _rows(shown, held),
        "hidden": sum(1 for entry in shown if not _named(entry, held)),
        "next": f"?{query.urlencode()}&{urlencode({'after': shown[-1].cursor})}" if more else "",
        "first": "after" not in request.GET,
        "start": f"?{query.urlencode()}",
        "export": f"/model/people/export/?{query.urlencode()}" if held.may("contact", "export") and count else "",
        "back": f"/model/{asked.query(rates=False)}",
        "moves": number.what not in behind.STANDING,
    }
    return render(request, "model/people.html", context)


def _owner(asked: str) -> str:
    if not asked:
        return ""
    if asked == "-":
        return gettext("Nobody")
    if asked.startswith("team-"):
        return next((team.name for team in funnel_board.teams() if f"team-{team.pk}" == asked), "")
    return words.names().get(int(asked), "")


def _named(entry: Entry, held: Rights) -> bool:
    return entry.there and held.may("contact", "view", [entry.owner_id])


def _rows(entries: list[Entry], held: Rights) -> list[dict[str, Any]]:
    found = people.named(entry.contact_id for entry in entries if _named(entry, held))
    users = words.names()
    labels = {key: words.stage_name(key) for entry in entries for key in (entry.out_of, entry.into)}
    return [
        {
            "entry": entry,
            "person": found.get(entry.contact_id),
            "from": labels[entry.out_of],
            "to": labels[entry.into],
            "path": words.path(entry.path),
            "cause": words.cause(entry.source),
            "who": who(entry.actor, users, entry.source),
        }
        for entry in entries
    ]


@require_GET
@allow_records("contact", "export")
def export(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV, written as it is read. The export is written down."""
    number = _number(request)
    held = rights.of(user(request))
    history.record(
        actor(request), "exported", "model", number.stage, what=number.what, first=number.first.isoformat(), until=number.until.isoformat(), rows=number.count()
    )
    response = StreamingHttpResponse(_lines(number, held, get_language() or "ko"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{number.stage}-{number.what}-{number.first:%Y%m%d}.csv"'
    return response


def _lines(number: Number, held: Rights, language: str) -> Iterator[bytes]:
    """The file in pieces; they are made after the request, so the language is given along."""
    yield "\ufeff".encode()
    with translation.override(language):
        yield _csv([_heads()])
    for entries in number.everybody():
        with translation.override(language):
            yield _csv([_cells(row, held) for row in _rows(entries, held)])


def _heads() -> tuple[str, ...]:
    return (
        gettext("When"), gettext("Contact"), "id", gettext("Company"), gettext("From"), gettext("To"), gettext("Path"), gettext("Cause"), gettext("Who"),
        gettext("Reason"),
    )  # fmt: skip


def _cells(row: dict[str, Any], held: Rights) -> tuple[str, ...]:
    """One line of the file; whom one may not export is there without name and reason."""
    entry, person = row["entry"], row["person"]
    if person is None or not held.may("contact", "export", [entry.owner_id]):
        return (iso(entry.at), "", "", "", row["from"], row["to"], row["path"], row["cause"], "", "")
    return (
        iso(entry.at),
        person.name,
        num(entry.contact_id).replace(",", ""),
        person.company,
        row["from"],
        row["to"],
        row["path"],
        row["cause"],
        row["who"],
        entry.reason,
    )


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([[exports.safe(cell) for cell in row] for row in rows])
    return text.getvalue().encode()
