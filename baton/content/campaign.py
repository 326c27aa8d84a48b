"""Addresses with a campaign in their query. Pure Python: the collector uses it and starts without Django."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def with_campaign(url: str, utm: Mapping[str, str]) -> str:
    """The address with these tags in its query, before the fragment; a tag the address has already stays as it is."""
    base, mark, fragment = url.partition("#")
    there = {name for name, _value in parse_qsl(base.partition("?")[2], keep_blank_values=True)}
    added = urlencode({name: utm[name] for name in TAGS if utm.get(name) and name not in there})
    if not added:
        return url
    joint = "?" if "?" not in base else "" if base.endswith(("?", "&")) else "&"
    return f"{base}{joint}{added}{mark}{fragment}"
