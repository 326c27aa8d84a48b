"""What lists and scores keep about people (see crm/part.py). What a filter decides is worked out anew after a merge."""

from baton.crm.part import Part, Rows

PARTS: list[Part] = [
    Rows("membership", ["segment_id"], drop="o.reason = 'filter'"),
    Rows("score", ["model_id"], drop="true"),
]
