"""Folds what a campaign's tallies have grown to: of many small differences one row a bucket, variant, state and reason, so that a list reads few rows."""

from baton.platform import sql

MANY = 1000  # rows of a campaign above which they are folded

GROWN = """
SELECT campaign_id FROM campaign_tally WHERE campaign_id IN (SELECT campaign_id FROM campaign_tally GROUP BY 1 HAVING count(*) > %s)
GROUP BY 1 HAVING count(*) > 2 * count(DISTINCT (bucket, variant, state, reason)) ORDER BY 1
"""
# Rows are only ever added: what is written meanwhile stays for the next time, and whoever reads sees either the rows or their sum.
FOLD = """
WITH gone AS (DELETE FROM campaign_tally WHERE campaign_id = %(campaign)s RETURNING bucket, variant, state, reason, n)
INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
SELECT g.bucket, nextval('message_id_seq'), %(campaign)s, g.variant, g.state, g.reason, g.n
FROM (SELECT bucket, variant, state, reason, sum(n) AS n FROM gone GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0) g
"""


def fold() -> int:
    """Fold the tallies of every campaign that has many; returns of how many campaigns."""
    grown = [row[0] for row in sql.rows(GROWN, [MANY])]
    for campaign_id in grown:
        sql.run(FOLD, {"campaign": campaign_id})
    return len(grown)
