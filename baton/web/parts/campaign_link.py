"""A link with campaign words: how they are written, which were used before, and what class of source their clicks will be."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.events import sources
from baton.platform import sql

from . import visits

FIELDS: dict[str, tuple[str | Promise, str | Promise, str]] = {  # name -> label, what it is for, an example
    "utm_source": (gettext_lazy("Campaign source"), gettext_lazy("The site or the sender: naver, linkedin, newsletter"), "newsletter"),
    "utm_medium": (gettext_lazy("Campaign medium"), gettext_lazy("The kind of way: email, cpc, paid_social, social, display, qr"), "email"),
    "utm_campaign": (gettext_lazy("Campaign name"), gettext_lazy("Its name, the same in all links of it"), "2026_11_webinar"),
    "utm_term": (gettext_lazy("Campaign term"), gettext_lazy("Of paid search: what was bid on"), ""),
    "utm_content": (gettext_lazy("Campaign content"), gettext_lazy("Which banner, button or version"), ""),
}
NEEDED = ("utm_source", "utm_medium", "utm_campaign")
OFFERED = 50
USED = """
SELECT k.name, k.value, count(*) FROM (SELECT campaign FROM session WHERE campaign <> '{}' ORDER BY started_at DESC LIMIT 20000) s,
       LATERAL jsonb_each_text(s.campaign) AS k(name, value) WHERE k.name = ANY(%s) GROUP BY 1, 2 ORDER BY 3 DESC
"""


@dataclass(frozen=True, slots=True)
class Made:
    """The link, or why there is none; what is doubtful; and what its clicks count as."""

    url: str = ""
    missing: str = ""
    doubts: list[str] = field(default_factory=list)
    counts_as: str = ""


def fields(asked: dict[str, str]) -> list[dict[str, Any]]:
    """The inputs."""
    return [
        {"name": name, "label": label, "help": about, "example": example, "value": asked[name], "needed": name in NEEDED}
        for name, (label, about, example) in FIELDS.items()
    ]


def known() -> dict[str, list[str]]:
    """The words of each field that visits of late came with, the most used first. One statement."""
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    for name, value, _count in sql.rows(USED, [list(FIELDS)]):
        if len(found[name]) < OFFERED:
            found[name].append(value)
    return found


def make(asked: dict[str, str]) -> Made:
    """The link: words in small letters, spaces as underscores; what stands in the address already is replaced."""
    address = asked["url"] if "://" in asked["url"] else f"https://{asked['url']}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return Made(missing=_("This is no address of a page."))
    if not asked["url"]:
        return Made(missing=_("Give the page that the link leads to."))
    if parts.scheme not in ("http", "https") or "." not in host or " " in host:
        return Made(missing=_("This is no address of a page."))
    words = {name: "_".join(asked[name].lower().split()) for name in FIELDS if asked[name]}
    doubts = []
    if any(asked[name] != asked[name].lower() for name in FIELDS):
        doubts.append(_("Capitals were made small: “Naver” and “naver” would be two sources in reports."))
    if any(" " in asked[name] for name in FIELDS):
        doubts.append(_("Spaces were made underscores: they break links in mails and messengers."))
    if missing := [str(FIELDS[name][0]) for name in NEEDED if name not in words]:
        doubts.append(_("Still missing: {fields}.").format(fields=", ".join(missing)))
    if parts.fragment and "utm_" in parts.fragment:
        doubts.append(_("Campaign words behind a # are not read."))
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name.lower() not in words]
    url = urlunsplit(parts._replace(query=urlencode([*kept, *words.items()]), fragment=parts.fragment))
    found = sources.classify(url, "")
    said = " · ".join(part for part in (found.detail_1, found.detail_2) if part and found.source != "direct")
    return Made(url, doubts=doubts, counts_as=f"{visits.label(found.source)}{f' ({said})' if said else ''}")
