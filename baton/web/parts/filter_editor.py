"""The editor of stored filters: groups within groups of conditions as one form, and back. Lists, scores, stages and workflows include it.

    context = {**filter_editor.editor(request, stored, name="filter", object_type="contact"), …}      {% include "parts/filter_editor.html" %}
    stored = filter_editor.read(request.POST, name="filter")                                          # in the view that saves the form around it

The form around it carries the filter as JSON in the input `<name>`, and beside it the inputs of every condition, called
`<name>/<path>/<field>`. What its buttons ask for arrives as `<name>!` (`add|all|page_viewed`, `drop|all.2`). Nothing is kept between two requests.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from baton.accounts import permissions
from baton.crm import types
from baton.platform.errors import Invalid, Problem
from baton.segments import catalog, filter, list_presets, mentions
from baton.segments.condition import conditions

from . import condition_form, event_tests

Stored = dict[str, Any]
How = Literal["all", "any", "none", "not_all"]
HOWS: tuple[str, ...] = get_args(How)
URL = "/filter-editor/"
UNFINISHED = ("REQUIRED", "EMPTY_GROUP")
LARGEST = 200_000  # letters of a filter as JSON


@dataclass(frozen=True, slots=True)
class Item:
    """One condition of a group. `path` leads to it in the stored JSON, past a `not` that turns it round."""

    path: str
    negated: bool
    row: condition_form.Row
    object_type: str
    focus: bool = False

    is_group = False
    is_related = False


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups that hold together, one by one, or not."""

    path: str  # of the object that holds it, `not` included
    inside: str  # of the list of its parts
    how: str
    items: "tuple[Item | Group | Related, ...]"
    object_type: str
    depth: int
    error: str = ""
    focus: bool = False

    is_group = True
    is_related = False

    @property
    def is_root(self) -> bool:
        return self.depth == 0

    @property
    def deep(self) -> bool:
        """Whether no more groups fit inside."""
        return self.depth >= filter.DEEPEST - 1


@dataclass(frozen=True, slots=True)
class Related:
    """A linked record that fits all of a group at once."""

    path: str
    negated: bool
    object_type: str
    what: str  # the type as people call it
    label: str  # of the link
    group: Group
    error: str = ""

    is_group = False
    is_related = True


def editor(
    request: HttpRequest,
    stored: Stored,
    name: str = "filter",
    object_type: str = "contact",
    *,
    url: str = URL,
    target: str = "",
    errors: Mapping[str, str] | None = None,
    count: bool = True,
    focus: str = "",
) -> dict[str, Any]:
    """What the template needs. `errors` by JSON path, where the form was refused; else an unfinished filter is told what it still needs.

    `url` is asked for every change and answers with `target` (an id) anew; usually the editor's own address and part.
    """
    tree = whole(stored)
    compact = pruned(tree)
    problems = _problems(compact, object_type)
    # what was added a moment ago and is still blank is not told as a fault before somebody wants to save it
    shown = dict(errors) if errors is not None else {p.path: p.message for p in reversed(problems) if p.code not in UNFINISHED}
    text = json.dumps(compact, ensure_ascii=False, sort_keys=True)
    query = urlencode({"name": name, "type": object_type, "count": "1" if count else ""})
    return {
        "editor": {
            "name": name,
            "id": f"{name}-editor",
            "type": object_type,
            "json": json.dumps(tree, ensure_ascii=False),
            "root": _Drawing(name, shown, focus).group(tree, "", 0, object_type),
            "sentence": filter.sentence(compact, object_type) if compact else "",
            "unfinished": bool(problems),
            "error": shown.get("filter", ""),
            "kinds": condition_form.kinds(object_type),
            "kinds_related": condition_form.kinds("company"),
            "relations": relations(object_type),
            "url": f"{url}{'&' if '?' in url else '?'}{query}" if url == URL else url,
            "target": target or f"{name}-editor",
            "counted": count and not problems and bool(compact),
            "count_id": f"{name}-count-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10]}",
            "count_url": f"{URL}count/?{query}",
            "exclusions": object_type == "contact" and permissions.can(request.user, "segments", "edit") and not _excluded(compact),
        }
    }


def focus_of(asked: str, tree: Stored) -> str:
    """Where the reader goes on after a button: what was added, or the group that lost something."""
    verb, _bar, rest = asked.partition("|")
    path = rest.partition("|")[0]
    if verb == "drop":
        return path.rpartition(".")[0]
    found: Any = tree
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
    if not isinstance(found, list) or not found:
        return ""
    last = f"{path}.{len(found) - 1}"
    return {"add": last, "exclude": last, "group": f"{last}.any", "related": f"{last}.filter.all"}.get(verb, "")


def _excluded(compact: Stored) -> bool:
    block = list_presets.find_exclusions()
    return block is not None and block.pk in mentions.lists(compact)


def _problems(compact: Stored, object_type: str) -> list[Problem]:
    if not compact:
        return []
    try:
        filter.parse(compact, catalog.current(), object_type=object_type)
    except Invalid as error:
        return error.problems
    return []


# Drawing -----------------------------------------------------------------------


class _Drawing:
    def __init__(self, name: str, errors: Mapping[str, str], focus: str) -> None:
        self.name, self.errors, self.focus = name, errors, focus

    def group(self, stored: Stored, path: str, depth: int, of: str) -> Group:
        how, inside, parts = _opened(stored, path)
        items = tuple(self.node(part, f"{inside}.{i}", depth, of) for i, part in enumerate(parts))
        return Group(path, inside, how, items, of, depth, self.errors.get(inside, ""), self.focus == inside)

    def node(self, stored: Stored, path: str, depth: int, of: str) -> "Item | Group | Related":
        negated = "not" in stored and ("condition" in stored["not"] or "related" in stored["not"])
        inner, at = (stored["not"], f"{path}.not") if negated else (stored, path)
        if "condition" in inner:
            faults = {p.removeprefix(f"{at}."): m for p, m in self.errors.items() if p.startswith(f"{at}.") or p == at}
            return Item(path, negated, condition_form.draw(inner, f"{self.name}/{path}", faults, of), of, self.focus == path)
        if "related" in inner:
            kind = str(inner["related"])
            group = self.group(inner.get("filter") or {"all": []}, f"{at}.filter", depth + 1, kind)
            error = self.errors.get(f"{at}.related") or self.errors.get(f"{at}.label") or self.errors.get(at, "")
            return Related(path, negated, kind, catalog.current().relation(kind) or kind, str(inner.get("label") or ""), group, error)
        return self.group(stored, path, depth + 1, of)


def relations(object_type: str) -> list[tuple[str, str]]:
    """The object types whose linked records can be asked about: companies, deals, tickets, and a company's own types."""
    kinds = [kind for kind in types.all(activities=False) if kind.key != "contact" or object_type != "contact"]
    return [(kind.key, types.label(kind)) for kind in kinds if kind.key not in ("line_item", object_type)]


# The tree -------------------------------------------------------------------------


def whole(stored: Stored) -> Stored:
    """The filter as it is edited: a group at the top, and `not` only before what can be turned round by a switch."""
    if not stored:
        return {"all": []}
    tree = _whole(stored)
    return tree if "all" in tree or "any" in tree or _is_group(tree.get("not")) else {"all": [tree]}


def _whole(stored: Any) -> Stored:
    if not isinstance(stored, dict):
        raise Invalid.one("filter", "INVALID_FILTER", _("This filter cannot be read"))
    for word in ("all", "any"):
        if word in stored:
            return {word: [_whole(part) for part in stored[word] or ()]}
    if "not" in stored:
        inner = _whole(stored["not"])
        return {"not": {"all": [inner]} if "not" in inner else inner}
    if "related" in stored:
        within = stored.get("filter")
        return {**stored, "filter": whole(within) if within else {"all": []}}
    if "condition" not in stored:
        raise Invalid.one("filter", "INVALID_FILTER", _("This filter cannot be read"))
    return stored


def pruned(tree: Stored) -> Stored:
    """The filter as it is stored: without the brackets that the editor adds. An empty one is {}."""
    if tree in ({"all": []}, {"any": []}, {}):
        return {}
    return _pruned(tree)


def _pruned(tree: Stored) -> Stored:
    for word in ("all", "any"):
        if word in tree:
            return {word: [_pruned(part) for part in tree[word]]}
    if "not" in tree:
        return {"not": _pruned(tree["not"])}
    if "related" in tree:
        inner = pruned(tree.get("filter") or {})
        return {key: value for key, value in {**tree, "filter": inner}.items() if value or key not in ("filter", "label")}
    return tree


def _is_group(stored: Any) -> bool:
    return isinstance(stored, dict) and ("all" in stored or "any" in stored)


def _opened(stored: Stored, path: str) -> tuple[str, str, list[Stored]]:
    """Of a group: how it holds, the path of its list, and its parts."""
    turned = "not" in stored
    inner = stored["not"] if turned else stored
    word = "all" if "all" in inner else "any"
    at = [*([path] if path else []), *(["not"] if turned else []), word]
    how = {("all", False): "all", ("any", False): "any", ("any", True): "none", ("all", True): "not_all"}[word, turned]
    return how, ".".join(at), inner[word]


def _closed(how: str, parts: list[Stored]) -> Stored:
    group: Stored = {"any" if how in ("any", "none") else "all": parts}
    return {"not": group} if how in ("none", "not_all") else group


# Reading ------------------------------------------------------------------------


def read(given: QueryDict, name: str = "filter", object_type: str = "contact") -> Stored:
    """The filter that the form holds, after what its button asked for. Not checked: filter.parse says what is wrong, with paths the editor shows.

    Raises Invalid (`filter`) for what is no filter at all.
    """
    return pruned(tree(given, name, object_type))


def tree(given: QueryDict, name: str = "filter", object_type: str = "contact") -> Stored:
    """The same with the groups that are still empty."""
    text = str(given.get(name, ""))
    try:
        if len(text) > LARGEST:
            raise ValueError
        stored = json.loads(text) if text.strip() else {}
        found = whole(stored)
    except (ValueError, TypeError, RecursionError):
        raise Invalid.one("filter", "INVALID_FILTER", _("This filter cannot be read")) from None
    found = _Reading(given, name).group(found, "", object_type)
    return act(found, str(given.get(f"{name}!", "")), object_type)


class _Reading:
    def __init__(self, given: QueryDict, name: str) -> None:
        self.given, self.name = given, name

    def group(self, stored: Stored, path: str, of: str) -> Stored:
        how, inside, parts = _opened(stored, path)
        asked = str(self.given.get(f"{self.name}/{inside}/how", how))
        return _closed(asked if asked in HOWS else how, [self.node(part, f"{inside}.{i}", of) for i, part in enumerate(parts)])

    def node(self, stored: Stored, path: str, of: str) -> Stored:
        negated = "not" in stored and not _is_group(stored["not"])
        inner, at = (stored["not"], f"{path}.not") if negated else (stored, path)
        key = f"{self.name}/{path}"
        if f"{key}/" in self.given:  # the row was sent, with its switch
            negated = f"{key}/not" in self.given
        if "condition" in inner:
            made = condition_form.read(self.given, key, inner, of) if f"{key}/" in self.given else inner
        elif "related" in inner:
            kind = str(inner["related"])
            made = {**inner, "filter": self.group(inner.get("filter") or {"all": []}, f"{at}.filter", kind)}
            if f"{key}/label" in self.given:
                made["label"] = str(self.given[f"{key}/label"])
        else:
            return self.group(stored, path, of)
        return {"not": made} if negated else made


def act(stored: Stored, asked: str, object_type: str) -> Stored:
    """The tree after a button: `add|<list>|<kind>`, `group|<list>`, `related|<list>|<type>`, `exclude|<list>|<id>`, `drop|<item>`, `copy|<item>`."""
    verb, _bar, rest = asked.partition("|")
    path, _bar, what = rest.partition("|")
    known = conditions()
    match verb:
        case "add" if what in known:
            return _changed(stored, path, lambda parts: [*parts, condition_form.blank(what, _type_at(stored, path, object_type))])
        case "group":
            return _changed(stored, path, lambda parts: [*parts, {"any": []}])
        case "related" if catalog.current().relation(what) is not None:
            return _changed(stored, path, lambda parts: [*parts, {"related": what, "filter": {"all": []}}])
        case "exclude" if what.isascii() and what.isdigit():
            return _changed(stored, path, lambda parts: [*parts, {"not": {"condition": "in_segment", "segment": int(what)}}])
        case "drop" | "copy":
            inside, _dot, number = path.rpartition(".")
            if number.isascii() and number.isdigit():
                place = int(number)
                twice = 2 if verb == "copy" else 0
                return _changed(stored, inside, lambda parts: [*parts[:place], *(parts[place : place + 1] * twice), *parts[place + 1 :]])
        case "test":
            return _edited(stored, path, event_tests.add)
        case "untest" if what.isascii() and what.isdigit():
            return _edited(stored, path, lambda condition: event_tests.drop(condition, int(what)))
    return stored


def _changed(stored: Stored, path: str, change: Callable[[list[Stored]], list[Stored]]) -> Stored:
    """The tree with another list at a path; as it was where there is no such list."""
    return _edited(stored, path, lambda found: change(found) if isinstance(found, list) else found)


def _edited(stored: Stored, path: str, change: Callable[[Any], Any]) -> Stored:
    found = _replaced(stored, path, change)
    return found if isinstance(found, dict) else stored


def _replaced(stored: Any, path: str, change: Callable[[Any], Any]) -> Any:
    step, _dot, rest = path.partition(".")
    if not step:
        return change(stored)
    if isinstance(stored, dict) and step in stored:
        return {**stored, step: _replaced(stored[step], rest, change)}
    if isinstance(stored, list) and step.isascii() and step.isdigit() and int(step) < len(stored):
        return [_replaced(part, rest, change) if place == int(step) else part for place, part in enumerate(stored)]
    return stored


def _type_at(stored: Any, path: str, object_type: str) -> str:
    """The object type that conditions at a path are about."""
    for step in path.split("."):
        if isinstance(stored, dict):
            if "related" in stored and step == "filter":
                object_type = str(stored["related"])
            stored = stored.get(step)
        elif isinstance(stored, list) and step.isascii() and step.isdigit() and int(step) < len(stored):
            stored = stored[int(step)]
    return object_type
