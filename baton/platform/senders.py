"""Whose address a request came from: what a proxy in our own network says of whom it spoke for, else the other end of the line."""

from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from baton.platform.config import config

LONGEST = 500  # characters of X-Forwarded-For that are read: its end is what proxies of one's own wrote
# Where proxies of one's own stand: what they say of whom they speak for is believed.
INSIDE = [
    ip_network(n) for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10")
]

Address = IPv4Address | IPv6Address


def believed(client: str, forwarded: str) -> str:
    """The address behind the other end of the line (`client`) and X-Forwarded-For, as text; "" when it is not known."""
    return _believed(client, forwarded[-LONGEST:])


@lru_cache(16_384)
def _believed(client: str, forwarded: str) -> str:
    here = read(client)
    if here is not None and not _inside(here):
        return str(here)
    for given in reversed(forwarded.split(",")):
        if (found := read(given)) is not None and not _inside(found):
            return str(found)
    return ""


def _inside(found: Address) -> bool:
    return any(found.version == network.version and found in network for network in (*INSIDE, *_proxies()))


@cache
def _proxies() -> tuple[IPv4Network | IPv6Network, ...]:
    """Proxies of one's own that have public addresses."""
    return tuple(ip_network(part) for part in map(str.strip, config().trusted_proxies.split(",")) if part)


def read(text: str) -> Address | None:
    """An address, of version 4 where it only is wrapped in one of version 6; None for anything else."""
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
