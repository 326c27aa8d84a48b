"""The record that a page is about: found by its address, with what the reader may do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from baton.accounts import rights as access
from baton.accounts.models import User
from baton.accounts.rights import Action, Rights
from baton.crm import activities, records, types
from baton.crm.models import Contact, ObjectType, Record
from baton.platform import sql
from baton.platform.errors import NotFound

from ..page import Need, allow, declare, user
from .address import OWN, record_url, table_url

WORDS = {plural: key for key, plural in OWN.items()}
BASE = rf"^(?:(?P<word>{'|'.join(WORDS)})|objects/(?P<plural>[a-z0-9_]+))/(?P<id>\d{{1,18}})/"
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Subject:
    """One record with its type and its reader."""

    kind: ObjectType
    row: Contact | Record
    me: User
    rights: Rights

    @property
    def id(self) -> int:
        return int(self.row.id)

    @property
    def key(self) -> str:
        return self.kind.key

    @property
    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = self.row.properties
        return values

    @property
    def url(self) -> str:
        return record_url(self.kind.key, self.row.id)

    @property
    def table(self) -> str:
        return table_url(self.kind.key)

    @property
    def label(self) -> str:
        return types.label(self.kind)

    @property
    def labels(self) -> str:
        return types.label(self.kind, plural=True)

    @property
    def name(self) -> str:
        return types.title(self.kind.key, self.row.properties) or f"#{self.row.id}"

    @property
    def is_person(self) -> bool:
        return self.kind.key == "contact"

    @property
    def archived(self) -> bool:
        return self.row.archived_at is not None

    def may(self, action: Action) -> bool:
        """Whether the reader may do this with this record. What is archived is only looked at and taken back."""
        return (not self.archived or action in ("view", "delete")) and self.rights.may(self.kind.key, action, [self.row.owner_id])

    @property
    def may_edit(self) -> bool:
        return self.may("edit")

    @property
    def may_delete(self) -> bool:
        return self.may("delete")

    def holds(self, activity_id: int) -> bool:
        """Whether an activity belongs to the record's story and may be seen: it is about the record, or about a contact of it that the reader may see."""
        seen, params = activities.seen(self.rights)
        where, values = self.rights.where("contact", "view", "c")
        names = [f"contact_{number}" for number in range(len(values))]
        people = where.replace("%s", "{}").format(*(f"%({name})s" for name in names))
        return bool(
            sql.rows(
                f"SELECT 1 FROM record r WHERE r.id = %(activity)s AND r.object_type = ANY(%(kinds)s) AND {seen} AND EXISTS"
                " (SELECT 1 FROM association a WHERE a.from_id = r.id AND (a.to_id = %(id)s OR (a.to_type = 'contact'"
                " AND EXISTS (SELECT 1 FROM association b WHERE b.from_id = %(id)s AND b.to_id = a.to_id)"
                f" AND EXISTS (SELECT 1 FROM contact c WHERE c.id = a.to_id AND {people}))))",
                {"activity": activity_id, "id": self.id, "kinds": list(activities.TEXT), **params, **dict(zip(names, values, strict=True))},
            )
        )

    def may_log(self, type: str) -> bool:
        """Whether the reader may write an activity of this type about the record."""
        return not self.archived and self.rights.may(type, "create")


def of_record(action: Action = "view") -> Callable[[View], View]:
    """Give the view the Subject of its address; only for those who may view it, and do `action` with it.

    The address of a merged contact leads to the one that is left. Archived records are found too.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, id: str, word: str | None = None, plural: str | None = None, **kwargs: Any) -> HttpResponseBase:
            kind = types.get(WORDS[word]) if word else types.resolve(plural or "")
            if kind is None:
                raise NotFound(_("There is no such kind of record."))
            me = user(request)
            held = access.of(me)
            held.require(kind.key, "view")
            row = records.get(kind.key, int(id), archived=None)
            held.require(kind.key, action, [row.owner_id])
            subject = Subject(kind, row, me, held)
            if request.method == "GET" and (row.id != int(id) or (plural and (kind.key in OWN or plural != kind.plural))):
                return redirect(subject.url)
            return view(request, subject, *args, **kwargs)

        return declare(allow()(guarded), Need(action=action))

    return decorate
