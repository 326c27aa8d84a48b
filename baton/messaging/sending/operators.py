"""Who takes mail for many domains: mail services and the filters that companies put before their own servers (data/operators.toml, with the sources)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.translation import get_language


@dataclass(frozen=True, slots=True)
class Operator:
    """One of the table."""

    key: str
    label: str
    ko: str
    domains: tuple[str, ...]
    hosts: tuple[str, ...]
    start: float  # messages a second to begin with


@cache
def operators() -> dict[str, Operator]:
    """All by key, in the order of the file."""
    found = tomllib.loads((Path(__file__).parent / "data" / "operators.toml").read_text("utf-8"))
    return {
        key: Operator(key, it["label"], it["ko"], tuple(it.get("domains", ())), tuple(it["hosts"]), float(it["start"]))
        for key, it in found.items()
    }  # fmt: skip


@cache
def by_domain() -> dict[str, str]:
    """The operator of addresses that need no look into the DNS."""
    return {domain: one.key for one in operators().values() for domain in one.domains}


@cache
def _by_host() -> dict[str, str]:
    return {suffix: one.key for one in operators().values() for suffix in one.hosts}


def of_host(host: str) -> str:
    """Whose mail server this is, by the longest end of its name that is known; "": nobody's in the table."""
    labels = host.lower().rstrip(".").split(".")
    return next((known for start in range(len(labels)) if (known := _by_host().get(".".join(labels[start:])))), "")


def label(group: str) -> str:
    """The name of a group for people: an operator's, or the domain that a group is called after."""
    one = operators().get(group)
    return group if one is None else one.ko if (get_language() or "").startswith("ko") else one.label
