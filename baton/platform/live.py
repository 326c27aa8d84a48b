"""Tells open pages that something changed: a topic and a few words, sent when the transaction commits."""

import json
from collections.abc import Iterable
from typing import Any

from baton.platform import sql

CHANNEL = "baton_live"


def publish(topic: str, **data: Any) -> None:
    """`topic` is what a page listens to: `user:3`, `workflow:5`. PostgreSQL carries at most 8,000 bytes."""
    sql.run("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"topic": topic, **data})])


def changed(kind: str, ids: Iterable[int]) -> None:
    """Tell the pages of many that they changed, in one statement: `contact:5`, `record:7`."""
    sql.run(
        "SELECT pg_notify(%s, json_build_object('topic', %s || ':' || id, 'what', 'changed')::text) FROM unnest(%s::bigint[]) AS id", [CHANNEL, kind, list(ids)]
    )
