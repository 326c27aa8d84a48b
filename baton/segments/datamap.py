"""What lists and scores keep about people (see crm/part.py). What a filter decides is worked out anew after a merge."""

from baton.crm.part import Part, Rows

PARTS: list[Part] = [
    Rows("membership", ["segment_id"], drop="starts_with(o.reason, 'filter')"),
    Rows("membership_pin", ["segment_id"]),
    Rows("score", ["model_id"], drop="true"),
]
