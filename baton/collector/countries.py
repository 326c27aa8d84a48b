"""The country somebody is in: by his address, else by his browser's time zone, else by its language. The address itself is kept nowhere."""

import json
import sys
from array import array
from bisect import bisect_right
from functools import cache, lru_cache
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path

from baton.platform import logs

FILE = Path(__file__).parent / "static" / "countries.bin"  # made by build.mjs

log = logs.log(__name__)
Ranges = tuple["array[int]", bytes]  # first addresses, and the number of the country from each on


def country(address: str, zone: str, language: str) -> str:
    """ISO 3166 code, "" when nothing tells. Address as text, zone as Asia/Seoul, language as ko-KR."""
    return (of_address(address) if address else "") or _zones().get(zone, "") or _region(language)


@lru_cache(16_384)
def of_address(address: str) -> str:
    """The country an address is announced from; "" for a private one, or when the list was not built."""
    words, ranges = _list()
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if found.version not in ranges:
        return ""
    firsts, places = ranges[found.version]
    place = bisect_right(firsts, int(found) if found.version == 4 else int(found) >> 80) - 1
    return words[places[place]] if place >= 0 else ""


@cache
def _list() -> tuple[list[str], dict[int, Ranges]]:
    if not FILE.exists():
        log.warning("no list of countries; they are told by time zone and language only", file=str(FILE))
        return [""], {}
    head, _, data = FILE.read_bytes().partition(b"\n")
    said = json.loads(head)
    ranges: dict[int, Ranges] = {}
    for version, code, count in ((4, "I", said["counts"][0]), (6, "Q", said["counts"][1])):
        firsts: array[int] = array(code)
        size = count * firsts.itemsize
        firsts.frombytes(data[:size])
        if sys.byteorder == "big":
            firsts.byteswap()
        ranges[version] = firsts, data[size : size + count]
        data = data[size + count :]
    return said["words"], ranges


@cache
def _zones() -> dict[str, str]:
    """Country by time zone, from the time zone database."""
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def _region(language: str) -> str:
    for part in language.replace("_", "-").split("-")[1:]:
        if len(part) == 2 and part.isalpha():
            return part.upper()
    return ""
