"""The places people come from, by host: search engines, social sites, assistants, webmail, hosts of advertising. Pure; the lists are in data/.

The most precise host wins: what is below facebook.com is Facebook, `blog.naver.com` is Naver Blog although naver.com is none.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

import yaml

from baton.crm import mail_domains

Kind = Literal["search", "social", "ai", "mail", "paid_search", "display", "through"]

DATA = Path(__file__).parent / "data"  # where the lists come from stands in its README
COUNTRY = re.compile(r"(\.(com|co|org|net|or|gen|it|edu))?\.[a-z]{2}$")
WEBMAIL = re.compile(r"(^|\.)((web|w|e|my|light|upc)?-?mail(er|s|business)?[\w-]*|messagerie\w*|gw|groupware|owa)\.|^deref-")  # below whatever domain
PREFIX = re.compile(r"^(www\d*|m)\.")


@dataclass(frozen=True, slots=True)
class Place:
    """A known place."""

    kind: Kind
    name: str
    words: tuple[str, ...] = ()  # of search engines: parameters that hold what was asked, or "/pattern/" of the path
    encodings: tuple[str, ...] = ()
    needs_words: bool = False  # a site of another kind that also has a search box


@dataclass(frozen=True, slots=True)
class Lists:
    """All places: by host with everything below it, by host and path, by host exactly ("{}" is a country)."""

    below: dict[str, Place]
    paths: dict[str, list[tuple[str, Place]]]
    engines: dict[str, list[tuple[str, Place]]]
    sources: dict[str, Place]  # words of utm_source


@cache
def lists() -> Lists:
    """The lists, read once."""
    own = yaml.safe_load((DATA / "own.yaml").read_text(encoding="utf-8"))
    found = Lists({}, {}, {}, {})
    portals = frozenset(own["portals"])
    for name, urls, words, *encodings in _rows("search_engines"):
        for url in urls:
            host, path = _split(url)
            place = Place("search", name, tuple(words), tuple(encodings[0]) if encodings else (), needs_words=host in portals)
            for form in {host, _bare(host)}:
                found.engines.setdefault(form, []).append((path, place))
    for kind, file in (("social", "socials"), ("ai", "ai_assistants")):
        for name, hosts in _rows(file):
            _place(found, Place(kind, name), hosts)  # type: ignore[arg-type]
    for kind in ("social", "ai", "paid_search", "display"):
        for name, hosts in own[kind].items():
            _place(found, Place(kind, name), hosts)  # type: ignore[arg-type]
    for name, engine in own["search"].items():
        _place(found, Place("search", name, tuple(engine["words"]), tuple(engine.get("encodings", ()))), engine["hosts"])
    for kind in ("mail", "through"):
        _place(found, Place(kind, kind), own[kind])  # type: ignore[arg-type]
    for host, place in found.below.items():
        if place.kind in ("social", "ai"):
            for word in (host, place.name, host.split(".")[0] if host.count(".") == 1 else host):
                found.sources.setdefault(word.lower(), place)
    for name, words in own["aliases"].items():
        for word in words:
            found.sources[word.lower()] = next(p for p in found.below.values() if p.name == name)
    for hosted in found.engines.values():
        hosted.sort(key=lambda entry: -len(entry[0]))
    return found


def _rows(file: str) -> Any:
    return json.loads((DATA / f"{file}.json").read_text(encoding="utf-8"))


def _place(found: Lists, place: Place, urls: list[str]) -> None:
    for url in urls:
        host, path = _split(url)
        if path:
            found.paths.setdefault(host, []).append((path, place))
        else:
            found.below[host] = place


def _split(url: str) -> tuple[str, str]:
    host, _, path = url.partition("android-app//")[2].partition("/")[0:3] if url.startswith("android-app//") else url.partition("/")
    return host.lower(), path.strip("/")


def _bare(host: str) -> str:
    return PREFIX.sub("", host) or host


@lru_cache(maxsize=8192)
def at(host: str, path: str = "") -> Place | None:
    """The place that a host and a path belong to; None for one that is in no list."""
    known = lists()
    path = path.strip("/")
    if host in known.engines and host not in known.below and _bare(host) not in known.below:
        return _engine(known, host, path)  # more precise than what it may be below
    for level in _levels(host):
        for start, place in known.paths.get(level, ()):
            if path == start or path.startswith(f"{start}/"):
                return place
        if level in known.below:
            return known.below[level]
    for candidate in _candidates(host):
        if (engine := _engine(known, candidate, path)) is not None:
            return engine
    return Place("mail", "mail") if WEBMAIL.search(host[: -len(mail_domains.registrable(host))] or host) else None


def _engine(known: Lists, host: str, path: str) -> Place | None:
    for start, place in known.engines.get(host, ()):
        if not start or path == start or path.startswith(f"{start}/"):
            return place
    return None


def named(source: str) -> Place | None:
    """The social site or assistant that a utm_source means."""
    word = source.strip().lower().removeprefix("www.")
    return lists().sources.get(word) or (lists().below.get(word) if "." in word else None)


def searched(place: Place, path: str, query: str) -> str:
    """The words that were searched for, as far as the engine tells them; else ""."""
    for encoding in ("utf-8", *place.encodings):
        try:
            given = dict(reversed(parse_qsl(query, encoding=encoding, errors="strict", max_num_fields=100)))
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        for word in place.words:
            if word.startswith("/"):
                hit = re.search(word.strip("/").replace("\\/", "/"), path)
                text = unquote_plus(hit[1]) if hit else ""
            else:
                text = given.get(word, "")
            if text.strip():
                return " ".join(text.split())
        return ""
    return ""


def _levels(host: str) -> Iterator[str]:
    """The host and what it is below, the most precise first."""
    parts = host.split(".")
    for start in range(len(parts) - 1 or 1):
        yield ".".join(parts[start:])


def _candidates(host: str) -> Iterator[str]:
    """How a host may stand in the list of engines: without www, with "{}" for a country at the end, in front or within."""
    bare = _bare(host)
    yield bare
    if bare.endswith(".onion"):
        return
    yield from (level for level in _levels(bare) if level.startswith("search."))
    anywhere = COUNTRY.sub(".{}", bare)
    if anywhere != bare:
        yield anywhere
    for form in (bare, anywhere):
        parts = form.split(".")
        for i, part in enumerate(parts[:-2]):
            if len(part) <= 3 or "-" in part[2:3]:
                yield ".".join([*parts[:i], "{}", *parts[i + 1 :]])


def registrable(host: str) -> str:
    """The domain that a host belongs to, as people say it: example.co.kr."""
    return mail_domains.registrable(host)
