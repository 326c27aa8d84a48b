"""Tells colleagues that what they started has ended: imports and exports are written by lower packages, which know nothing of notices."""

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.crm.models import Export, Import
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock, sql
from baton.platform.actor import Actor

MOST = 100  # of one round


def tell() -> int:
    """Notify the owners of imports and exports that ended since; returns how many."""
    with transaction.atomic():
        done = [(Import, id) for id in _claim("import")] + [(Export, id) for id in _claim("export")]
        notices = []
        for model, id in done:
            row = model.objects.get(pk=id)
            actor = Actor.parse(row.actor)
            if actor.kind == "user" and actor.id is not None:
                with translation.override(row.language):
                    notices.append(_of_import(row, actor.id) if isinstance(row, Import) else _of_export(row, actor.id))
        notify.many(notices)
    return len(done)


def _claim(table: str) -> list[int]:
    waiting = sql.rows(f"SELECT id FROM {table} WHERE NOT told LIMIT {MOST}")
    if not waiting:
        return []
    return [row[0] for row in sql.rows(f"UPDATE {table} SET told = true WHERE id = ANY(%s) AND NOT told RETURNING id", [[row[0] for row in waiting]])]


def _of_import(row: Import, user_id: int) -> Notice:
    counts = row.counts
    if row.state == "undone":
        title, body = _("Import undone: {name}"), _("{n} records were archived.").format(n=f"{counts.get('archived', 0):,}")
    elif row.state == "failed":
        title, body = _("Import stopped: {name}"), row.trouble
    else:
        title = _("Import done: {name}")
        body = _("{new} new, {changed} changed, {faulty} not possible").format(
            new=f"{counts.get('created', 0):,}", changed=f"{counts.get('updated', 0):,}", faulty=f"{counts.get('faulty', 0):,}"
        )
    cause = f"import:{row.pk}:{row.state}:{(row.ended_at or clock.now()).isoformat()}"
    return Notice(user_id, cause, title.format(name=row.name), body, f"/import/{row.pk}/")


def _of_export(row: Export, user_id: int) -> Notice:
    if row.state == "failed":
        return Notice(user_id, f"export:{row.pk}", _("Export stopped"), row.trouble, "/exports/")
    body = ngettext("{n} record; the file is kept for 7 days.", "{n} records; the file is kept for 7 days.", row.position).format(n=f"{row.position:,}")
    return Notice(user_id, f"export:{row.pk}", _("Export ready"), body, "/exports/")
