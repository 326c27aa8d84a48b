"""The SQL of a filter, reviewed like code."""

import textwrap
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from inline_snapshot import snapshot

from baton.query import compile
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, HasState, MemberOf, Node, Not, Or, PayloadTest, Performed, Related, ScoreIs
from baton.query.statement import Sql
from tests.query.fake import CATALOG

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")


def wrapped(made: Sql) -> str:
    """In lines that can be read."""
    return textwrap.fill(made.text, 120, break_long_words=False, break_on_hyphens=False)


def text(node: Node, *, whom: bool = False) -> str:
    return wrapped(compile.condition(node, CATALOG, now=NOW, zone=SEOUL, whom=whom))


def test_a_list_of_pricing_visitors() -> None:
    twice = Performed((1,), (1, 2), at_least=2, within=timedelta(days=30))
    opened = Performed((11,), within=timedelta(days=14), where=(PayloadTest("machine", "missing"),))
    node = And((Compare("industry", "any_of", ("it", "bio")), twice, opened, Not(Performed((5,)))))
    made = compile.members(node, CATALOG, now=NOW, zone=SEOUL)
    assert wrapped(made) == snapshot("""\
SELECT c.id FROM contact c JOIN (SELECT e.contact_id FROM event e WHERE e.kind = %(p2)s AND e.key =
ANY(%(p3)s::bigint[]) AND e.ts >= %(p4)s AND e.ts <= %(p5)s GROUP BY e.contact_id HAVING count(*) >= %(p1)s) o1 ON
o1.contact_id = c.id WHERE c.archived_at IS NULL AND ((c.properties @> %(p6)s::jsonb OR c.properties @> %(p7)s::jsonb)
AND EXISTS (SELECT 1 FROM event e WHERE e.contact_id = o1.contact_id AND e.kind = %(p8)s AND e.ts >= %(p9)s AND e.ts <=
%(p5)s AND NOT e.payload ? %(p10)s) AND NOT (EXISTS (SELECT 1 FROM event e WHERE e.contact_id = o1.contact_id AND e.kind
= %(p11)s)))\
""")
    assert made.params == snapshot(
        {
            "p1": 2,
            "p2": 1,
            "p3": [1, 2],
            "p4": datetime(2026, 10, 22, hour=3, tzinfo=UTC),
            "p5": datetime(2026, 11, 21, hour=3, tzinfo=UTC),
            "p6": '{"industry": "it"}',
            "p7": '{"industry": "bio"}',
            "p8": 11,
            "p9": datetime(2026, 11, 7, hour=3, tzinfo=UTC),
            "p10": "machine",
            "p11": 5,
        }
    )


def test_a_comparison_is_never_null() -> None:
    assert text(Not(Compare("city", "contains", "50%_"))) == snapshot("""\
NOT ((lower(normalize(c.properties ->> %(p2)s, NFC)) IS NOT NULL AND strpos(lower(normalize(c.properties ->> %(p2)s,
NFC)), lower(normalize(%(p1)s, NFC))) > 0 AND CASE WHEN jsonb_typeof(c.properties -> %(p2)s) = 'string' THEN true ELSE
false END))\
""")
    assert text(Compare("employees", "between", (10, 99.5))) == snapshot("""\
((CASE WHEN jsonb_typeof(c.properties -> %(p3)s) = 'number' THEN (c.properties -> %(p3)s)::numeric END) IS NOT NULL AND
(CASE WHEN jsonb_typeof(c.properties -> %(p3)s) = 'number' THEN (c.properties -> %(p3)s)::numeric END) BETWEEN %(p1)s
AND %(p2)s)\
""")
    assert text(Compare("met", "in_last_days", 7)) == snapshot("""\
((left(c.properties ->> %(p3)s, 19) COLLATE "C") IS NOT NULL AND (left(c.properties ->> %(p3)s, 19) COLLATE "C") >=
%(p1)s AND (left(c.properties ->> %(p3)s, 19) COLLATE "C") <= %(p2)s AND CASE WHEN jsonb_typeof(c.properties -> %(p3)s)
= 'string' THEN c.properties ->> %(p3)s ~ %(p4)s ELSE false END)\
""")


@pytest.mark.parametrize(("value", "found_by_index"), [("123-45-67890", True), ("+821048271935", True), ("Seoul", False), ("서울", False), ("1;2", False)])
def test_codes_are_found_by_the_index_over_all_properties(value: str, found_by_index: bool) -> None:
    """Other text may be stored in other letters that mean the same, which that index does not know."""
    assert ("c.properties @>" in text(Compare("city", "is", value))) is found_by_index
    assert ("c.properties @>" in text(Compare("city", "any_of", (value, "7")))) is found_by_index


def test_the_day_of_a_moment_is_the_accounts_day() -> None:
    made = compile.condition(Compare("createdate", "is", "2026-11-21"), CATALOG, now=NOW, zone=SEOUL)
    assert wrapped(made) == snapshot("(c.created_at >= %(p1)s::timestamptz AND c.created_at < %(p2)s::timestamptz)")
    assert [value for value in made.params.values() if str(value).startswith("2026")] == ["2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z"]


def test_every_table_is_cut_down_to_those_asked_about() -> None:
    company = Related("company", Or((Compare("name", "is", "a", of="company"), Compare("renewal", "known", of="company"))), "primary")
    assert text(Or((MemberOf(1), ScoreIs(1, "at_most", 10), HasState("opted_out"), company)), whom=True) == snapshot("""\
(EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = c.id AND m.contact_id = ANY(%(ids)s::bigint[]) AND m.segment_id
= %(p1)s) OR NOT EXISTS (SELECT 1 FROM score s WHERE s.contact_id = c.id AND s.contact_id = ANY(%(ids)s::bigint[]) AND
s.model_id = %(p1)s AND s.total > %(p2)s) OR EXISTS (SELECT 1 FROM (SELECT k.contact_id FROM consent k WHERE k.channel =
%(p3)s AND NOT k.granted UNION ALL SELECT u.contact_id FROM suppression u WHERE u.channel = %(p3)s AND NOT (u.reason =
'unsubscribed' AND EXISTS (SELECT 1 FROM consent g WHERE g.contact_id = u.contact_id AND g.channel = %(p3)s AND
g.granted AND g.at > u.at))) o WHERE o.contact_id = c.id AND o.contact_id = ANY(%(ids)s::bigint[]) AND true) OR EXISTS
(SELECT 1 FROM association a WHERE a.from_id = c.id AND a.from_id = ANY(%(ids)s::bigint[]) AND a.to_type = %(p4)s AND
a.label = %(p5)s AND a.to_id IN (SELECT r.id FROM record r WHERE r.object_type = %(p4)s AND r.archived_at IS NULL AND
((lower(normalize(r.properties ->> %(p7)s, NFC)) IS NOT NULL AND lower(normalize(r.properties ->> %(p7)s, NFC)) =
lower(normalize(%(p6)s, NFC)) AND CASE WHEN jsonb_typeof(r.properties -> %(p7)s) = 'string' THEN true ELSE false END) OR
(((r.properties ->> %(p9)s) COLLATE "C") IS NOT NULL AND ((r.properties ->> %(p9)s) COLLATE "C") >= %(p8)s AND CASE WHEN
jsonb_typeof(r.properties -> %(p9)s) = 'string' THEN r.properties ->> %(p9)s ~ %(p10)s ELSE false END)))))\
""")
    often = Performed((1,), at_least=0, at_most=2)
    assert text(often, whom=True) == snapshot("""\
NOT EXISTS (SELECT 1 FROM (SELECT e.contact_id FROM event e WHERE e.kind = %(p2)s AND e.contact_id =
ANY(%(ids)s::bigint[]) GROUP BY e.contact_id HAVING count(*) >= %(p1)s) h WHERE h.contact_id = c.id)\
""")
    assert wrapped(compile.count(often, CATALOG, now=NOW, zone=SEOUL, whom=True)) == snapshot("""\
SELECT e.contact_id, count(*) AS times FROM event e WHERE e.kind = %(p1)s AND e.contact_id = ANY(%(ids)s::bigint[])
GROUP BY e.contact_id\
""")


def test_nothing_is_asked_of_the_database_where_the_answer_is_plain() -> None:
    assert text(And(())) == "true"
    assert text(Or(())) == "false"
    assert text(Performed((1,), ())) == "(false)"
    assert text(Performed((1,), (), at_least=0, at_most=0)) == "NOT (false)"
    assert text(Performed((1,), at_least=0)) == "true"


def test_what_the_catalog_does_not_have_is_an_error() -> None:
    with pytest.raises(FilterError, match="There is no property"):
        text(Compare("shoe_size", "is", 42))
    with pytest.raises(FilterError, match="has no operator"):
        text(Compare("city", "between", ("a", "b")))
