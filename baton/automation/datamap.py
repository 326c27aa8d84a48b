"""What automation keeps about people: where they walk, what the steps did, when they are due (see crm/part.py)."""

from typing import Any

from baton.crm.part import Pair, Part, Rows
from baton.platform import sql


class Enrollments(Rows):
    """Two walks through one workflow at once become one: the one that goes is taken out, and walks on after an undo."""

    def move(self, pair: Pair) -> Any:
        TIMERS.keys(pair.gone)  # waits for a step that runs for him this moment
        twice = "o.state = 'active' AND EXISTS (SELECT 1 FROM enrollment k WHERE k.contact_id = %s AND k.workflow_id = o.workflow_id AND k.state = 'active')"
        stopped = [int(key[0]) for key in self.keys(pair.gone, twice, [pair.keep])]
        timers = TIMERS.images([pair.gone], "o.enrollment_id = ANY(%s)", [stopped])
        sql.run("UPDATE enrollment SET state = 'removed', finished_at = %s WHERE contact_id = %s AND id = ANY(%s)", [pair.at, pair.gone, stopped])
        TIMERS.delete(pair.gone, [[str(id)] for id in stopped])
        return {**(super().move(pair) or {}), "stopped": stopped, "timers": timers}

    def back(self, pair: Pair, kept: Any) -> None:
        super().back(pair, kept)
        sql.run(
            "UPDATE enrollment SET state = 'active', finished_at = NULL WHERE contact_id = %s AND id = ANY(%s) AND state = 'removed' AND finished_at = %s",
            [pair.gone, kept["stopped"], pair.at],
        )
        TIMERS.put(kept["timers"])


TIMERS = Rows("timer", ["enrollment_id"], blank="delete", copied=False)
PARTS: list[Part] = [
    Enrollments("enrollment", ["id"], tell_apart=("cause", ("workflow_id",)), blank={"cause": "anonymised"}),
    Rows("step_run", ["enrollment_id", "step"], blank={"detail": "{}"}),
    TIMERS,
]
