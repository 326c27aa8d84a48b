"""What automation keeps about people: where they walk, what the steps did, when they are due (see crm/part.py). The counts follow whatever happens to it."""

from collections.abc import Callable
from typing import Any

from baton.automation import runs, tally
from baton.crm.part import Pair, Part, Person, Rows
from baton.platform import sql


class Counted(Rows):
    """Rows that are counted: merged, undone or erased, they are counted for as what they are then."""

    def move(self, pair: Pair) -> Any:
        return self._following([pair.keep, pair.gone], lambda: super(Counted, self).move(pair))

    def back(self, pair: Pair, kept: Any) -> None:
        self._following([pair.keep, pair.gone], lambda: super(Counted, self).back(pair, kept))

    def erase(self, person: Person) -> None:
        runs.hold(person.ids)
        self._following(person.ids, lambda: super(Counted, self).erase(person))

    def _following(self, ids: list[int], do: Callable[[], Any]) -> Any:
        with tally.following(ids):
            return do()


class Enrollments(Counted):
    """Two walks through one workflow at once become one: the one that goes is taken out, and walks on after an undo."""

    def move(self, pair: Pair) -> Any:
        runs.hold([pair.keep, pair.gone])
        twice = "o.state = 'active' AND EXISTS (SELECT 1 FROM enrollment k WHERE k.contact_id = %s AND k.workflow_id = o.workflow_id AND k.state = 'active')"
        stopped = [int(key[0]) for key in self.keys(pair.gone, twice, [pair.keep])]
        timers = TIMERS.images([pair.gone], "o.enrollment_id = ANY(%s)", [stopped])

        def move() -> Any:
            sql.run(
                "UPDATE enrollment SET state = 'removed', reason = 'merged', finished_at = %s WHERE contact_id = %s AND id = ANY(%s)",
                [pair.at, pair.gone, stopped],
            )
            return super(Counted, self).move(pair)

        moved = self._following([pair.keep, pair.gone], move)
        TIMERS.delete(pair.gone, [[str(id)] for id in stopped])
        return {**(moved or {}), "stopped": stopped, "timers": timers}

    def back(self, pair: Pair, kept: Any) -> None:
        def back() -> None:
            super(Counted, self).back(pair, kept)
            sql.run(
                "UPDATE enrollment SET state = 'active', reason = '', finished_at = NULL"
                " WHERE contact_id = %s AND id = ANY(%s) AND state = 'removed' AND finished_at = %s",
                [pair.gone, kept["stopped"], pair.at],
            )

        self._following([pair.keep, pair.gone], back)
        TIMERS.put(kept["timers"])


TIMERS = Rows("timer", ["enrollment_id"], blank="delete", copied=False)
PARTS: list[Part] = [
    Enrollments("enrollment", ["id"], tell_apart=("cause", ("workflow_id",)), blank={"cause": "anonymised", "data": "{}"}),
    Counted("step_run", ["enrollment_id", "step", "turn"], blank={"detail": "{}"}),
    Rows("enrollment_moved", ["enrollment_id", "to_version"]),
    Rows("workflow_call", ["enrollment_id", "step", "turn"], blank={"url": "", "headers": "{}", "body": "", "answer": "{}", "trouble": ""}),
    TIMERS,
]
