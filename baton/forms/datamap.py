"""What forms keep about people: what they sent, in the database and, while that was away, on the disk (see crm/part.py)."""

import json
from typing import Any

from baton.crm.part import Image, Pair, Part, Person, Rows
from baton.events import datamap as events
from baton.forms import kept as on_disk
from baton.forms import quarantine
from baton.forms.models import Form, FormFile
from baton.forms.models import Quarantine as Row
from baton.platform import sql


class Submissions(Rows):
    """Answers go back to whose address they name, also those that came after the merge."""

    def back(self, pair: Pair, kept: Any) -> None:
        super().back(pair, kept)
        mails = [row[0] for row in sql.rows("SELECT value FROM identity WHERE contact_id = %s AND kind = 'email'", [pair.gone])]
        later = self.keys(pair.keep, "o.at >= %s AND lower(o.values ->> 'email') = ANY(%s)", [pair.at, mails])
        via = sql.rows(
            "SELECT (payload ->> 'submission') FROM event WHERE contact_id = %s AND payload ? 'submission' AND ts >= %s", [pair.gone, pair.at]
        )  # events that came by his browser are his again already
        unnamed = self.keys(pair.keep, "o.id = ANY(%s) AND NOT o.values ? 'email'", [[int(row[0]) for row in via]])
        self.give([*later, *unnamed], pair.keep, pair.gone)
        mine = [*(kept or {}).get("moved", []), *later]
        events.follow(pair, "submission", [int(key[0]) for key in mine])

    def copy(self, ids: list[int]) -> list[Image]:
        names = dict(Form.objects.values_list("pk", "name"))
        return [{**row, "form": names.get(row["form_id"], "")} for row in super().copy(ids)]


class Kept(Part):
    """Answers on the disk that name him."""

    name = "kept answers"

    def erase(self, person: Person) -> None:
        if not on_disk.folder().is_dir():
            return
        for path in on_disk.folder().iterdir():
            try:
                text = json.dumps(json.loads(path.read_text()), ensure_ascii=False).casefold()
            except (OSError, ValueError):
                continue
            if any(value.casefold() in text for value in [*person.values, *person.cookies]):
                path.unlink(missing_ok=True)

    def anonymise(self, person: Person) -> None:
        self.erase(person)


class Quarantined(Part):
    """Answers in quarantine that name him: they belong to no contact yet."""

    name = "form_quarantine"

    def erase(self, person: Person) -> None:
        found = quarantine.of_person([*person.values, *person.cookies])
        FormFile.objects.filter(quarantine_id__in=found).delete()
        Row.objects.filter(pk__in=found).delete()

    def anonymise(self, person: Person) -> None:
        self.erase(person)


PARTS: list[Part] = [
    Submissions("form_submission", ["id"], blank={"values": "{}", "consents": "[]", "about": "{}", "page_url": "", "page_title": ""}),
    Rows("form_opt_in", ["id"], blank={"address": "", "page_url": "", "asked_from": "", "confirmed_from": ""}),
    Quarantined(),
    Kept(),
]
