"""Aggregate reports of DMARC (RFC 7489, appendix C): receivers mail them every day, and they tell from where mail in our name came and whether it was proved.

They come from strangers, packed: what unpacks to too much, has a document type or is no report at all is refused.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from django.db.models import Max
from django.utils.translation import gettext as _

from baton.messaging.deliverability import dns_checks
from baton.messaging.models import DmarcReport, SendingDomain
from baton.platform import clock
from baton.platform.errors import Invalid

LARGEST = 10 * 1024 * 1024  # bytes of a report, unpacked; those of the largest receivers have about one
ROWS = 1000  # kept of a report: the sources with most mails; the others are one row
SUBJECT = re.compile(r"report[- ]domain:|dmarc", re.IGNORECASE)
PACKED = frozenset({"application/zip", "application/x-zip-compressed", "application/gzip", "application/x-gzip", "application/xml", "text/xml"})
ENDINGS = (".xml", ".xml.gz", ".gz", ".zip")
RESULTS = frozenset({"pass", "fail", "none", "quarantine", "reject"})
REPORTS = 1000  # read for a page: some dozens of receivers send one a day
KEPT = timedelta(days=400)
ATTACHED = 5  # files of a mail that are read: receivers attach one


@dataclass(frozen=True, slots=True)
class Report:
    domain: str
    organisation: str
    id: str
    begins_at: datetime
    ends_at: datetime
    rows: list[dict[str, Any]]  # {"ip", "count", "disposition", "dkim", "spf", "from"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where mail in a domain's name came from, over some reports."""

    ip: str
    count: int
    passed: int  # proved by DKIM or SPF, and aligned
    turned_away: int  # quarantined or rejected


def is_report(mail: EmailMessage, recipient: str = "") -> bool:
    """Whether a mail is one of them, as far as its outside tells."""
    told = recipient.partition("@")[0].lower() == "dmarc" or bool(SUBJECT.search(str(mail["subject"] or "")))
    return told and any(True for _part in _attached(mail))


def keep(mail: EmailMessage) -> int:
    """Read a mail's reports and keep those about our domains; the same report comes once. Returns how many. Raises Invalid."""
    ours = {dns_checks.organisation(name) for name in SendingDomain.objects.values_list("name", flat=True)}
    kept = 0
    for name, content in islice(_attached(mail), ATTACHED):
        for document in unpack(name, content):
            report = read(document)
            if dns_checks.organisation(report.domain) not in ours:
                continue
            _row, new = DmarcReport.objects.get_or_create(
                organisation=report.organisation,
                report=report.id,
                defaults={"domain": report.domain, "begins_at": report.begins_at, "ends_at": report.ends_at, "rows": report.rows, "read_at": clock.now()},
            )
            kept += new
    return kept


def unpack(name: str, content: bytes) -> list[bytes]:
    """The XML of an attachment: as it is, or packed by gzip or zip. Raises Invalid when there is too much of it, or nothing."""
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                return [_bounded(file)]
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inside = [info for info in archive.infolist() if info.filename.lower().endswith(".xml")][:5]
                found = []
                for info in inside:
                    with archive.open(info) as file:
                        found.append(_bounded(file))
                return found
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Invalid.one("attachment", "INVALID_FILE", _("{name} cannot be unpacked: {error}").format(name=name, error=error)) from None
    if len(content) > LARGEST:
        raise Invalid.one("attachment", "TOO_LARGE", _("The report is larger than {n} MB.").format(n=LARGEST >> 20))
    return [content]


def read(document: bytes) -> Report:
    """Raises Invalid."""
    try:
        root = _tree(document)
        about, policy = _child(root, "report_metadata"), _child(root, "policy_published")
        span = _child(about, "date_range")
        begins, ends = (datetime.fromtimestamp(int(_text(span, name)), UTC) for name in ("begin", "end"))
        domain, organisation, number = _text(policy, "domain").lower().rstrip("."), _text(about, "org_name"), _text(about, "report_id")
        if not (domain and organisation and number):
            raise ValueError("its domain, sender or number is missing")
        return Report(domain[:253], organisation[:200], number[:300], begins, ends, _rows(root))
    except (ParseError, expat.ExpatError, ValueError, OverflowError, OSError) as error:
        raise Invalid.one("attachment", "INVALID_FILE", _("This is no report of DMARC: {error}").format(error=error)) from None


def sources(domains: Collection[str], *, days: int = 30, most: int = 20) -> dict[str, list[Source]]:
    """Where mail in these domains' names came from, most first. One query."""
    seen: dict[str, dict[str, list[int]]] = {name: {} for name in domains}
    found = DmarcReport.objects.filter(domain__in=seen, ends_at__gte=clock.now() - timedelta(days=days)).order_by("-ends_at")
    for domain, rows in found.values_list("domain", "rows")[:REPORTS]:
        for row in rows:
            one = seen[domain].setdefault(row["ip"], [0, 0, 0])
            one[0] += row["count"]
            one[1] += row["count"] if "pass" in (row["dkim"], row["spf"]) else 0
            one[2] += row["count"] if row["disposition"] in ("quarantine", "reject") else 0
    return {name: [Source(ip, *counts) for ip, counts in sorted(ips.items(), key=lambda pair: -pair[1][0])[:most]] for name, ips in seen.items()}


def latest(domains: Collection[str]) -> dict[str, datetime]:
    """The end of the newest report about each of these domains."""
    return dict(DmarcReport.objects.filter(domain__in=domains).values_list("domain").annotate(Max("ends_at")))


def forget() -> int:
    """Delete old reports; returns how many."""
    return DmarcReport.objects.filter(ends_at__lt=clock.now() - KEPT).delete()[0]


def _attached(mail: EmailMessage) -> Iterator[tuple[str, bytes]]:
    for part in mail.walk():
        name = (part.get_filename() or "").lower()
        if not part.is_multipart() and (part.get_content_type() in PACKED or name.endswith(ENDINGS)):
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content:
                yield name or part.get_content_type(), content


def _bounded(file: Any) -> bytes:
    content: bytes = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Invalid.one("attachment", "TOO_LARGE", _("The report is larger than {n} MB.").format(n=LARGEST >> 20))
    return content


def _tree(document: bytes) -> Element:
    """The document without namespaces. A document type is refused: entities are how a small file becomes a large one."""
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(*_given: Any) -> None:
        raise ValueError("it has a document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag.rpartition(":")[2], {})
    parser.EndElementHandler = lambda tag: builder.end(tag.rpartition(":")[2])
    parser.CharacterDataHandler = builder.data
    parser.Parse(document, True)
    root: Element = builder.close()
    if root.tag != "feedback":
        raise ValueError(f"it begins with <{root.tag}>")
    return root


def _rows(root: Element) -> list[dict[str, Any]]:
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for record in root.iter("record"):
        row = _child(record, "row")
        verdict = _child(row, "policy_evaluated")
        results = [_word(_text(verdict, name)) for name in ("disposition", "dkim", "spf")]
        counted[(_text(row, "source_ip")[:45], *results, _text(_child(record, "identifiers"), "header_from")[:253])] += max(0, int(_text(row, "count") or 0))  # type: ignore[index]
    most = counted.most_common(ROWS)
    rows = [{"ip": ip, "count": n, "disposition": disposition, "dkim": dkim, "spf": spf, "from": by} for (ip, disposition, dkim, spf, by), n in most]
    if rest := sum(counted.values()) - sum(n for _key, n in most):
        rows.append({"ip": "", "count": rest, "disposition": "none", "dkim": "none", "spf": "none", "from": ""})
    return rows


def _child(element: Element, name: str) -> Element:
    found = element.find(name)
    return Element(name) if found is None else found


def _text(element: Element, name: str) -> str:
    return " ".join((element.findtext(name) or "").split())


def _word(text: str) -> str:
    return text.lower() if text.lower() in RESULTS else "none"
