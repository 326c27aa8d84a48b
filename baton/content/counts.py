"""What happened around content in the last days: counted for all of it in one statement, kept a row each, so that a table of it reads no events."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from baton.content import addresses, gate
from baton.content.models import Asset, AssetCount, LandingPage
from baton.events.vocabulary import Kind, key_kind
from baton.platform import clock, sql

DAYS = 90
COUNT = """
WITH about AS (
    SELECT DISTINCT w.subject, w.kind, k.id AS key
    FROM unnest(%(subjects)s::bigint[], %(kinds)s::smallint[], %(key_kinds)s::smallint[], %(values)s::text[]) AS w(subject, kind, key_kind, value)
    JOIN event_key k ON k.kind = w.key_kind AND k.value = w.value
), happened AS (
    SELECT a.subject, e.kind, e.contact_id FROM about a JOIN event e ON e.kind = a.kind AND e.key = a.key AND e.ts >= %(since)s
), sent AS (
    SELECT w.subject, count(*) AS answers
    FROM unnest(%(forms_of)s::bigint[], %(forms)s::text[], %(pages)s::text[]) AS w(subject, form, page)
    JOIN event_key k ON k.kind = %(answer)s AND k.value = w.form
    JOIN event e ON e.kind = %(answer)s AND e.key = k.id AND e.ts >= %(since)s AND starts_with(e.payload ->> 'page', w.page)
    GROUP BY 1
)
INSERT INTO asset_count (subject_id, views, downloads, visitors, known, answers, counted_at)
SELECT s.id, coalesce(h.views, 0), coalesce(h.used, 0), coalesce(h.visitors, 0), coalesce(h.known, 0), coalesce(sent.answers, 0), %(now)s
FROM unnest(%(ids)s::bigint[]) AS s(id)
LEFT JOIN (
    SELECT h.subject, count(*) FILTER (WHERE h.kind = %(view)s) AS views, count(*) FILTER (WHERE h.kind <> %(view)s) AS used,
        count(DISTINCT h.contact_id) AS visitors, count(DISTINCT c.id) AS known
    FROM happened h LEFT JOIN contact c ON c.id = h.contact_id AND c.archived_at IS NULL
    GROUP BY 1
) h ON h.subject = s.id
LEFT JOIN sent ON sent.subject = s.id
ORDER BY s.id
ON CONFLICT (subject_id) DO UPDATE SET views = excluded.views, downloads = excluded.downloads, visitors = excluded.visitors, known = excluded.known,
    answers = excluded.answers, counted_at = excluded.counted_at
"""


def of(ids: Collection[int]) -> dict[int, AssetCount]:
    """The numbers as they were counted last; what was never counted is missing."""
    return {row.subject_id: row for row in AssetCount.objects.filter(pk__in=list(ids))}


def count(subjects: Collection[Asset | LandingPage]) -> None:
    """Count anew for these."""
    if subjects:
        sql.run(COUNT, asked(subjects))


def asked(some: Collection[Asset | LandingPage]) -> dict[str, Any]:
    """The parameters of COUNT for these."""
    about = [(one.pk, int(kind), int(key_kind(kind)), value) for one in some for kind, value in addresses.of(one)]
    forms = [(one.pk, str(form), page) for one in some for form, page in _forms(one)]
    now = clock.now()
    return {
            "ids": [one.pk for one in some],
            **{name: [row[at] for row in about] for at, name in enumerate(("subjects", "kinds", "key_kinds", "values"))},
            **{name: [row[at] for row in forms] for at, name in enumerate(("forms_of", "forms", "pages"))},
            "view": int(Kind.PAGE_VIEW), "answer": int(Kind.FORM_SUBMISSION), "since": now - timedelta(days=DAYS), "now": now,
    }  # fmt: skip


def count_all() -> None:
    """Count anew for everything that is in use."""
    count([*Asset.objects.filter(archived_at=None), *LandingPage.objects.filter(archived_at=None).select_related("published")])


def _forms(subject: Asset | LandingPage) -> list[tuple[int, str]]:
    """The forms that are sent on its page, each with the page's address."""
    if isinstance(subject, Asset):
        return [(subject.form_id, page) for page in (gate.address(subject), subject.url) if page] if subject.form_id else []
    shown = subject.published.content["blocks"] if subject.published else []
    return [(block["form"], addresses.page_address(subject)) for block in shown if block["kind"] == "form" and block.get("form")]
