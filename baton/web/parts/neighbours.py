"""The records before and after one in the table that it was opened from."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, QueryDict

from baton.accounts.models import User
from baton.platform.errors import DomainError
from baton.query.errors import FilterError
from baton.segments import finder

from . import table
from .address import record_url
from .subject import Subject

PAGE = 50  # as many as the table shows at once


@dataclass(frozen=True)
class Neighbours:
    """Where the record stands; an empty address: there is none on that side."""

    back: str  # the table as it was
    label: str
    number: int
    before: str
    after: str


def of(request: HttpRequest, subject: Subject, users: Sequence[User]) -> Neighbours | None:
    """None when the record was not opened from its table. One look at the table's order, whatever its size."""
    query = _query(request, subject)
    if query is None:
        return None
    asked = copy.copy(request)
    asked.GET = QueryDict(query)
    try:
        found = table.read(asked, subject.kind, users)
        if found.fault:
            return None
        start = (found.number - 1) * PAGE
        if found.after is not None and found.number > 1:
            ids = [found.after, *finder.ids(found.find, limit=PAGE + 1, after=found.after)]
            first = start - 1
        else:
            first = max(start - 1, 0)
            ids = finder.ids(found.find, limit=PAGE + 2, offset=first)
    except (DomainError, FilterError):
        return None
    if subject.id not in ids:
        return None
    at = ids.index(subject.id)
    place = first + at  # from 0 in the whole order

    def address(index: int) -> str:
        if not 0 <= index < len(ids):
            return ""
        params = found.params.copy()
        for name in ("page", "after"):
            params.pop(name, None)
        number = (first + index) // PAGE + 1
        if number > 1:
            params["page"] = str(number)
            last = number * PAGE - PAGE - 1 - first  # where the page before ended, in ids
            if found.after is not None and number == found.number:
                params["after"] = str(found.after)
            elif 0 <= last < len(ids):
                params["after"] = str(ids[last])
        return f"{record_url(subject.key, ids[index])}?{urlencode({'in': params.urlencode()})}"

    label = found.view.name if found.view else found.labels
    return Neighbours(found.address, label, place + 1, address(at - 1), address(at + 1))


def _query(request: HttpRequest, subject: Subject) -> str | None:
    if "in" in request.GET:
        return request.GET["in"]
    came = urlsplit(request.headers.get("Referer", ""))
    return came.query if came.netloc == request.get_host() and came.path == subject.table else None
