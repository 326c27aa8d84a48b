"""What the domain of an e-mail address says: an employer, a provider anybody uses, or an address to throw away."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from publicsuffixlist import PublicSuffixList

Kind = Literal["business", "free", "disposable"]

PROVIDERS = Path(__file__).parent / "data" / "mail_providers.txt"  # where it comes from stands in it
DOMAIN = re.compile(r"[^\s@/:]+\.[^\s@/:.]+")


@lru_cache(maxsize=20_000)
def kind(domain: str) -> Kind:
    """Whose addresses a domain carries, in any case, with or without what stands before an @; what is no domain counts as `free`.

    What is below a provider (mail.naver.com, vip.163.com) is the provider's; a school below ac.kr, a firm below co.kr is its own.
    """
    host = normal(domain)
    if not host:
        return "free"
    levels = _levels(host)
    if not disposable().isdisjoint(levels):
        return "disposable"
    return "free" if not free().isdisjoint(levels) else "business"


def normal(text: str) -> str:
    """The domain of an address or of a domain, small, in Unicode's ASCII form; "" for what is none."""
    host = text.rpartition("@")[2].strip().strip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return ""
    return host if DOMAIN.fullmatch(host) and suffixes().privatesuffix(host) else ""


@cache
def free() -> frozenset[str]:
    """Providers of addresses that anybody can have: gmail.com, naver.com …"""
    lines = (line for line in PROVIDERS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


@cache
def disposable() -> frozenset[str]:
    """Domains of addresses that live for minutes."""
    from disposable_email_domains import blocklist  # thousands of words, which not every process needs

    return frozenset(blocklist) - free()


@cache
def suffixes() -> PublicSuffixList:
    """The list of what people register domains under: com, co.kr, github.io."""
    return PublicSuffixList()


def registrable(host: str) -> str:
    """The domain somebody registered: example.co.kr of www.example.co.kr; the host itself where there is none, such as localhost."""
    return str(suffixes().privatesuffix(host) or host)


def _levels(host: str) -> list[str]:
    """The host and what it is below, up to the domain that somebody registered."""
    parts = host.split(".")
    depth = len(registrable(host).split("."))
    return [".".join(parts[i:]) for i in range(len(parts) - depth + 1)]
