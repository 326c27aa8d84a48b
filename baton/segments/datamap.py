"""What lists and scores keep about people (see crm/part.py). What a filter decides is worked out anew after a merge."""

from datetime import datetime

from baton.crm.part import Image, One, Part, Rows


def _longer(ours: Image, theirs: Image) -> Image:
    """Of two pauses the one that goes on, and of two that do the longer one."""
    return max(ours, theirs, key=lambda row: (row["ended_at"] is None, datetime.fromisoformat(row["until"])))


PARTS: list[Part] = [
    Rows("membership", ["segment_id"], drop="starts_with(o.reason, 'filter')"),
    Rows("membership_pin", ["segment_id"]),
    Rows("score", ["model_id"], drop="true"),
    Rows("record_score", ["model_id"], by="record_id", drop="true"),
    Rows("score_entry", ["id"], tell_apart=("cause", ("model_id",)), blank={"reason": ""}),
    Rows("verdict", ["id"], blank={"reason": ""}),
    One("pause", [], _longer, blank={"reason": ""}),
]
