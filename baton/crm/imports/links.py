"""The links that rows of a file ask for: with records that are there, and of the records of one row with each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from django.utils.translation import gettext as _

from baton.accounts import rights
from baton.accounts.rights import Rights
from baton.crm import associations, records, types
from baton.crm.associations import Link
from baton.crm.imports import lookup, notes
from baton.crm.imports.plan import Item, Problem
from baton.platform import sql
from baton.platform.actor import Actor


def write(import_id: int, items: Sequence[Item], placed: Mapping[int, Mapping[str, int]], said: list[notes.Note], actor: Actor) -> int:
    """Make the links; returns how many are new. A record that cannot be found is a problem of its row, and a name that was read otherwise a note."""
    asked: dict[tuple[str, str, str], lookup.Key | None] = {}
    for item in items:
        for kind, by, text, _header in item.links:
            for part in _parts(by, text):
                asked.setdefault((kind, by, part), lookup.link_key(kind, by, part))
    found = {
        (kind, key): ids
        for kind in {kind for kind, _by, _part in asked}
        for key, ids in lookup.find(kind, {key for (one, _by, _part), key in asked.items() if one == kind and key is not None}).items()
    }
    held = rights.of_actor(actor)
    found = _seen(found, held)
    names = lookup_names(found, asked)
    unmatched: dict[tuple[str, str], str] = {}
    pairs: dict[Link, None] = {}
    matched: Counter[tuple[str, str]] = Counter()
    for item in items:
        own = placed[item.number]
        for one, other in combinations(sorted(own), 2):
            pairs.setdefault(Link(one, own[one], other, own[other]))
        for kind, by, text, header in item.links:
            for part in _parts(by, text):
                key = asked[kind, by, part]
                ids = found.get((kind, key), []) if key is not None else []
                if not ids:
                    item.problems.append(Problem(header, "NO_LINK", _unmatched(kind, by, part, unmatched, held)))
                    continue
                if len(ids) > 1:
                    text_ = _("There are several records called {value}; the oldest one was taken.").format(value=part)
                    item.problems.append(Problem(header, "SEVERAL", text_))
                if by == "name" and (called := names.get(ids[0], part)) != part:
                    matched[part, called] += 1
                for mine, id in own.items():
                    if id != ids[0]:
                        pairs.setdefault(Link(mine, id, kind, ids[0]))
    said += [notes.note("NAME_MATCHED", was, now, rows) for (was, now), rows in matched.items()]
    return _make(import_id, list(pairs), actor)


def lookup_names(found: Mapping[tuple[str, lookup.Key], list[int]], asked: Mapping[tuple[str, str, str], lookup.Key | None]) -> dict[int, str]:
    """What the records are called that were found by a name."""
    names: dict[int, str] = {}
    for kind in {kind for kind, by, _part in asked if by == "name"}:
        ids = [ids[0] for (one, key), ids in found.items() if one == kind and key[0] == "name"]
        names |= lookup.called(kind, ids)
    return names


def _parts(by: str, text: str) -> list[str]:
    """Several numbers or addresses may stand in one cell; a name is always one."""
    return [text.strip()] if by == "name" else [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]


def _seen(found: dict[tuple[str, lookup.Key], list[int]], held: Rights) -> dict[tuple[str, lookup.Key], list[int]]:
    """What was found, as far as whoever imports may see it."""
    owners: dict[tuple[str, int], int | None] = {}
    for kind in {kind for kind, _key in found if held.scope(kind, "view") != "all"}:
        ids = {id for (one, _key), some in found.items() if one == kind for id in some}
        owners |= {(kind, id): row.owner_id for id, row in records.many(kind, ids).items()}
    seen = {(kind, key): [id for id in ids if held.may(kind, "view", [owners[kind, id]] if (kind, id) in owners else [])] for (kind, key), ids in found.items()}
    return {asked: ids for asked, ids in seen.items() if ids}


def _unmatched(kind: str, by: str, part: str, known: dict[tuple[str, str], str], held: Rights) -> str:
    if (kind, part) not in known:
        asks = by == "name" and len(known) < 200 and kind in ("company", "product", "deal", "ticket") and held.scope(kind, "view") == "all"
        meant = lookup.meant(kind, part) if asks else ""
        label = types.label(types.get(kind))
        if meant:
            known[kind, part] = _("{label}: there is none called {value}. Did you mean {meant}?").format(label=label, value=part, meant=meant)
        else:
            known[kind, part] = _("{label}: nothing was found for {value}.").format(label=label, value=part)
    return known[kind, part]


def _make(import_id: int, wanted: list[Link], actor: Actor) -> int:
    if not wanted:
        return 0
    there = {
        (row[0], row[1])
        for row in sql.rows(
            "SELECT a.from_id, a.to_id FROM unnest(%s::bigint[], %s::bigint[]) AS r(one, other) JOIN association a ON a.from_id = r.one AND a.to_id = r.other",
            [[link.from_id for link in wanted], [link.to_id for link in wanted]],
        )
    }
    fresh = [link for link in wanted if (link.from_id, link.to_id) not in there]
    outcomes = associations.link_many(fresh, actor=actor)
    made = [link for link, fault in zip(fresh, outcomes, strict=True) if fault is None]
    if made:
        sql.run(
            "INSERT INTO import_link (import_id, from_id, to_id, from_type, to_type)"
            " SELECT %s, r.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS r ON CONFLICT DO NOTHING",
            [import_id, [m.from_id for m in made], [m.to_id for m in made], [m.from_type for m in made], [m.to_type for m in made]],
        )
    return len(made)
