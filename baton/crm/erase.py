"""The right to be forgotten: every trace of a person goes (`erase`), or everything that tells who it was (`anonymise`).

What each table keeps is in the data map (part.py). Beside it: notes and calls about him go with him, or lose his name where others took part; records linked
to him, definitions, files of imports and exports lose what names him. tests/crm/test_erase.py then looks for his values in every column of the database.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django.core.cache import cache
from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.crm import contacts, identity, ledger, life, properties, search, traces, types, values
from baton.crm.merge import absorbed
from baton.crm.models import Blocked, Contact
from baton.crm.part import Person, parts
from baton.platform import changes, clock, history, live, sql
from baton.platform.actor import Actor
from baton.platform.errors import NotFound
from baton.platform.transaction import retrying

ENCODINGS = ("utf-8", "cp949", "utf-16-le", "utf-16-be", "shift_jis")
COUNTED = ("choice", "multi_choice", "boolean", "number", "user")  # types of properties that tell what somebody is like, not who
UNSAID = (*COUNTED, "date", "datetime")  # types whose values are no words
SPREAD = ("contact_id", "record_id", "from_id", "bucket")  # columns of tables that the data map covers
PEOPLE = re.compile(
    r"^(user|account|account_\w+|team|role|api_token|auth_\w+|django_\w+|socialaccount_\w+|mfa_\w+|contact|record|identity|blocked)$"
)  # and what the data map has
ROUNDS = 5
SHORTEST = 4  # letters of what is looked for everywhere


@retrying
def erase(contact_id: int, *, actor: Actor, block: bool = True) -> None:
    """Leave no trace of a contact (live, archived or merged into). With `block` his addresses are not imported or made by programs again.

    Raises NotFound, Forbidden.
    """
    with transaction.atomic():
        person = _hold(contact_id, actor)
        mails = [value for value in person.values if "@" in value]
        _files(person)
        _without_him(person)
        ledger.forget_whose(person.ids, at=clock.now(), actor=actor)
        for part in parts().values():
            part.erase(person)
        sql.run("DELETE FROM merge WHERE gone_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM likeness WHERE other_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM unique_value WHERE record_id = ANY(%s)", [person.ids])
        identity.release_all(person.ids)
        sql.run("DELETE FROM identity WHERE contact_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM contact WHERE id = ANY(%s)", [person.ids])
        if block:
            _block(mails, actor)
        _finish(person, "erased", actor)


@retrying
def anonymise(contact_id: int, *, actor: Actor) -> None:
    """Keep what is counted (what he did, when, in which stage), and nothing that tells who he was. Raises NotFound, Forbidden."""
    with transaction.atomic():
        person = _hold(contact_id, actor)
        id = person.ids[0]
        _files(person)
        _without_him(person)
        for part in parts().values():
            part.anonymise(person)
        sql.run("DELETE FROM merge WHERE gone_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM likeness WHERE other_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM unique_value WHERE record_id = ANY(%s)", [person.ids])
        sql.run("DELETE FROM identity WHERE contact_id = ANY(%s) AND kind <> 'merged'", [person.ids])
        known = properties.definitions("contact")
        was = Contact.objects.get(id=id)
        left = {name: value for name, value in was.properties.items() if name in known and (known[name].type in COUNTED or name == life.SINCE)}
        sql.run(
            "UPDATE contact SET properties = %s, email = '', search = ''::tsvector, updated_at = %s WHERE id = %s",
            [json.dumps(left, ensure_ascii=False), clock.now(), id],
        )
        _finish(person, "anonymised", actor)


def erase_address(email: str, *, actor: Actor) -> None:
    """Erase whoever has this address, also an archived contact; an address nobody has is blocked. Raises Forbidden."""
    found = contacts.by_email(email) or contacts.archived_by_email(email)
    if found is not None:
        erase(found, actor=actor)
        return
    rights.of_actor(actor).require("contact", "delete")
    with transaction.atomic():
        _block([email], actor)


def _block(emails: Iterable[str], actor: Actor) -> None:
    now = clock.now()
    Blocked.objects.bulk_create([Blocked(digest=identity.blocked_digest(email), at=now, actor=str(actor)) for email in emails], ignore_conflicts=True)


# Who he is ------------------------------------------------------------------


def _hold(contact_id: int, actor: Actor) -> Person:
    """The person behind an id, held until the transaction ends."""
    id = identity.resolve(contact_id)
    changes.hold([id])
    found = sql.rows("SELECT owner_id FROM contact WHERE id = %s FOR UPDATE", [id])
    if not found:
        raise NotFound(_("There is no such record."))
    rights.of_actor(actor).require("contact", "delete", [found[0][0]])
    return who(id)


def who(id: int) -> Person:
    """Every id a contact had, and every value that tells who he is or was."""
    ids = [id, *absorbed(id)]
    known = properties.definitions("contact")
    telling = [name for name, d in known.items() if d.type in ("email", "phone")] + ["additional_emails"]
    now = Contact.objects.get(id=id).properties
    before = sql.rows("SELECT name, old #>> '{}', new #>> '{}' FROM property_history WHERE record_id = ANY(%s) AND name = ANY(%s)", [ids, telling])
    kept = sql.rows("SELECT (kept -> 'gone' -> 'properties')::text FROM merge WHERE record_id = ANY(%s) AND kept ? 'gone'", [ids])
    images = [json.loads(row[0]) for row in kept]
    written = {str(p[name]) for p in (now, *images) for name in telling if p.get(name)} | {text for _name, *both in before for text in both if text}
    written |= {row[0] for row in sql.rows("SELECT value FROM identity WHERE contact_id = ANY(%s) AND kind IN ('email', 'external')", [ids])}
    found = {form for text in written for one in text.split(";") for form in _forms(one.strip())}
    names = {form for p in (now, *images) for form in _names(p)}
    cookies = [row[0] for row in sql.rows("SELECT value FROM identity WHERE contact_id = ANY(%s) AND kind = 'cookie'", [ids])]
    return Person(ids, sorted(value for value in found if traces.telling(value)), sorted(names), cookies, f"(#{id})")


def _forms(value: str) -> set[str]:
    """The ways a value is written: an address in two, a number in five."""
    if not value.startswith("+"):
        return {value, quote(value)} if "@" in value else {value}
    national, abroad = (values.phone_in_words(value, home=home) for home in (True, False))
    return {value, national, abroad, re.sub(r"\D", "", national), re.sub(r"\D", "", value)}


def _names(p: dict[str, Any]) -> set[str]:
    last, first = str(p.get("lastname") or ""), str(p.get("firstname") or "")
    whole = {f"{last}{first}", f"{last} {first}", f"{first} {last}"} if last and first else {last or first}
    return {name for name in whole if len(name) > 1}


# Where he is ------------------------------------------------------------------


def _without_him(person: Person) -> None:
    """Notes and calls that are about him alone go; whatever else is linked to him loses what names him."""
    activities = [kind.key for kind in types.all(activities=True)]
    linked = sql.rows("SELECT DISTINCT to_id, to_type FROM association WHERE from_id = ANY(%s) AND to_type <> 'contact'", [person.ids])
    about = [id for id, kind in linked if kind in activities]
    shared = {
        row[0]
        for row in sql.rows(
            "SELECT DISTINCT from_id FROM association WHERE from_id = ANY(%s) AND to_type = 'contact' AND to_id <> ALL(%s)", [about, person.ids]
        )
    }
    alone = [id for id in about if id not in shared]
    for table in ("property_history", "file", "unique_value", "import_change"):
        sql.run(f"DELETE FROM {table} WHERE record_id = ANY(%s)", [alone])
    others = sql.rows("SELECT DISTINCT to_id FROM association WHERE from_id = ANY(%s)", [alone])
    sql.run("DELETE FROM association WHERE from_id = ANY(%s) AND to_id = ANY(%s)", [[row[0] for row in others], alone])
    sql.run("DELETE FROM association WHERE from_id = ANY(%s)", [alone])
    sql.run("DELETE FROM record WHERE id = ANY(%s)", [alone])
    _scrub([id for id, _kind in linked if id not in set(alone)], person)


def _scrub(ids: list[int], person: Person) -> None:
    """Take what names him out of the texts of records and of their history; what is chosen, counted or dated names nobody."""
    texts = [*person.values, *person.names]
    names, might = traces.exact(texts), traces.loose(texts)
    for id, kind, text in sql.rows("SELECT id, object_type, properties::text FROM record WHERE id = ANY(%s) AND properties::text ~* %s", [ids, might]):
        before = json.loads(text)
        after = _said(kind, before, names, person.word)
        if after != before:
            words = json.dumps(search.terms(kind, after), ensure_ascii=False)
            sql.run(
                "UPDATE record SET properties = %s, search = array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(%s::jsonb))) WHERE id = %s",
                [json.dumps(after, ensure_ascii=False), words, id],
            )
    found = sql.rows(
        "SELECT h.record_id, h.id, h.name, r.object_type, h.old::text, h.new::text FROM property_history h JOIN record r ON r.id = h.record_id"
        " WHERE h.record_id = ANY(%s) AND (h.old::text ~* %s OR h.new::text ~* %s)",
        [ids, might, might],
    )
    for record_id, id, name, kind, *both in found:
        old, new = (text and json.dumps(_said(kind, {name: json.loads(text)}, names, person.word)[name], ensure_ascii=False) for text in both)
        sql.run("UPDATE property_history SET old = %s::jsonb, new = %s::jsonb WHERE record_id = %s AND id = %s", [old, new, record_id, id])
    found = sql.rows(
        "SELECT record_id, import_id, object_type, before::text, after::text FROM import_change"
        " WHERE record_id = ANY(%s) AND (before::text ~* %s OR after::text ~* %s)",
        [ids, might, might],
    )
    for record_id, import_id, kind, *both in found:
        was, became = (text and json.dumps(_said(kind, json.loads(text), names, person.word), ensure_ascii=False) for text in both)
        sql.run("UPDATE import_change SET before = %s::jsonb, after = %s::jsonb WHERE record_id = %s AND import_id = %s", [was, became, record_id, import_id])


def _said(kind: str, values: dict[str, Any], names: re.Pattern[str], word: str) -> dict[str, Any]:
    """Values of a record without his name in what is said in words."""
    known = properties.definitions(kind)
    return {name: value if name in known and known[name].type in UNSAID else traces.cleaned(value, names, word) for name, value in values.items()}


def _finish(person: Person, verb: str, actor: Actor) -> None:
    _definitions(person)
    cache.clear()
    history.record(actor, verb, "contact", person.ids[0])
    sql.run("NOTIFY baton_identity")
    live.publish(f"contact:{person.ids[0]}", what="changed")


def _files(person: Person) -> None:
    """Files that came in with him are not kept, nor files that went out: they can be made again."""
    needles = [value.encode(encoding, "ignore") for value in (*person.values, *person.names) for encoding in ENCODINGS]
    touched = {row[0] for row in sql.rows("SELECT import_id FROM import_change WHERE record_id = ANY(%s)", [person.ids])}
    for needle in {needle for needle in needles if len(needle) >= SHORTEST}:
        touched |= {row[0] for row in sql.rows("SELECT DISTINCT import_id FROM import_part WHERE position(%s::bytea IN content) > 0", [needle])}
    pattern = traces.loose([*person.values, *person.names])
    touched |= {row[0] for row in sql.rows("SELECT DISTINCT import_id FROM import_fault WHERE cells::text ~* %s OR message ~* %s", [pattern, pattern])}
    packed = {row[0] for row in sql.rows("SELECT id FROM import WHERE lower(name) LIKE '%%.xlsx' AND state IN ('done', 'failed', 'undone')")}
    sql.run("DELETE FROM import_part WHERE import_id = ANY(%s)", [sorted(touched | packed)])
    sql.run("DELETE FROM import_fault WHERE import_id = ANY(%s) AND (cells::text ~* %s OR message ~* %s)", [sorted(touched), pattern, pattern])
    sql.run("UPDATE import SET seen = '[]' WHERE id = ANY(%s)", [sorted(touched | packed)])
    gone = sql.rows("UPDATE export SET state = 'expired' WHERE object_type = 'contact' AND state = 'done' RETURNING id")
    sql.run("DELETE FROM export_part WHERE export_id = ANY(%s)", [[row[0] for row in gone]])


def _definitions(person: Person) -> None:
    """Take his addresses and numbers out of every local table: filters, notices, history, page addresses, jobs. Colleagues' own data is left alone."""
    if not (person.values or person.cookies):
        return
    texts = [*person.values, *person.cookies]
    might, exactly = traces.loose(texts), traces.exact(texts)
    columns = sql.rows(
        "SELECT c.relname, array_agg(a.attname::text), array_agg(t.typname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " JOIN pg_type t ON t.oid = a.atttypid WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace"
        " AND NOT a.attisdropped AND t.typname IN ('text', 'varchar', 'jsonb') AND (c.relname = 'notification' OR NOT EXISTS"
        " (SELECT 1 FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = ANY(%s))) GROUP BY c.relname",
        [list(SPREAD)],
    )
    quoted = connection.ops.quote_name
    for table, names, kinds in columns:
        if PEOPLE.match(table):
            continue
        asked = ", ".join(f"{quoted(name)}::text" for name in names)
        where = " OR ".join(f"{quoted(name)}::text ~* %s" for name in names)
        back = ", ".join(f"{quoted(name)} = %s{'::jsonb' if kind == 'jsonb' else ''}" for name, kind in zip(names, kinds, strict=True))
        for _round in range(ROUNDS):  # a row that somebody changes at this moment is looked at again
            moved = False
            for place, *stored in sql.rows(f"SELECT ctid::text, {asked} FROM {quoted(table)} WHERE {where}", [might] * len(names)):
                clean = [_clean(text, kind, exactly, person.word) for text, kind in zip(stored, kinds, strict=True)]
                if clean != stored:
                    moved |= not sql.run(f"UPDATE {quoted(table)} SET {back} WHERE ctid = %s::tid", [*clean, place])
            if not moved:
                break


def _clean(text: str | None, kind: str, found: re.Pattern[str], word: str) -> str | None:
    """What a column holds, without him."""
    if text is None:
        return None
    if kind != "jsonb":
        return str(traces.cleaned(text, found, word))
    before = json.loads(text)
    after = traces.cleaned(before, found, word)
    return text if after == before else json.dumps(after, ensure_ascii=False)
