"""Tells open pages that something changed: a topic and a few words, sent when the transaction commits."""

import json
from typing import Any

from baton.platform import sql

CHANNEL = "baton_live"


def publish(topic: str, **data: Any) -> None:
    """`topic` is what a page listens to: `user:3`, `workflow:5`. PostgreSQL carries at most 8,000 bytes."""
    sql.run("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"topic": topic, **data})])
