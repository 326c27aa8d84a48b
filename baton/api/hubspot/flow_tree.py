"""From Baton's tree of steps to HubSpot's actions with connections, and back.

In a flow a branch never ends by itself: each way goes on to its own next action. Where ways join, one of them has the STANDARD connection and the
others a GO_TO; read back, such ways join again behind their branch. Any other GO_TO is a step `go_to`.
"""

from collections.abc import Mapping
from typing import Any

from baton.api.hubspot import flow_steps_in, flow_steps_out
from baton.api.hubspot.flow_steps_in import Wire
from baton.api.hubspot.flow_words import HOLDS, Action, mapping, refused, rows
from baton.automation.graph import Graph
from baton.automation.step import Step

Stored = dict[str, Any]
MOST = 2_000  # actions of a flow
DEEPEST = 60  # branches within branches


def action_id(step: str) -> str:
    """`s12` is 12 outside."""
    return step[1:] if step[:1] == "s" and step[1:].isdigit() else step


def step_id(action: Any) -> str:
    text = str(action)
    return f"s{text}" if text.isdigit() else text


# out


def actions(graph: Graph) -> tuple[str, list[Action]]:
    """The id of the first action (empty: none), and all of them in the order in which they are drawn."""
    walk = [step for step in graph.walk() if step.key != "go_to"]
    edges = [(step.id, way, *_target(graph, graph.after(step.id, way))) for step in walk for way in _ways(step)]
    standard = {target: (source, way) for source, way, target, jumped in edges if target and not jumped}  # the last one drawn
    order = {step.id: number for number, step in enumerate(walk)}
    for source, way, target, jumped in edges:
        if jumped and target and order[target] > order[source]:
            standard.setdefault(target, (source, way))  # nothing else leads there
    first, _jumped = _target(graph, graph.first)
    made = []
    for step in walk:
        ends = {
            way: {"edgeType": "STANDARD" if standard.get(target) == (source, way) and target != first else "GO_TO", "nextActionId": action_id(target)}
            for source, way, target, _jump in edges
            if source == step.id and target
        }
        made.append(flow_steps_out.action(step, action_id(step.id), ends))
    return (action_id(first) if first else ""), made


def _ways(step: Step) -> list[str]:
    return [path.label for path in step.paths] or [""]


def _target(graph: Graph, step: str) -> tuple[str, bool]:
    """The step that runs next, and whether a `go_to` leads there."""
    jumped, seen = False, set()
    while step and step not in seen and (found := graph.get(step)) is not None and found.key == "go_to":
        seen.add(step)
        step, jumped = found.target(), True
    return ("" if step in seen else step), jumped


# in


def steps(start: Any, given: Any, object_type: str) -> list[Stored]:
    """The steps of these actions. Raises Failure 400 for what is no tree, or says what Baton cannot do."""
    places: dict[str, tuple[str, Mapping[str, Any]]] = {}
    listed = rows(given, "actions")
    if len(listed) > MOST:
        raise refused(f"At most {MOST} actions.", "actions")
    for n, one in enumerate(listed):
        at = f"actions.{n}"
        id = step_id(mapping(one, at).get("actionId", ""))
        if not id or len(id) > 50 or id in places:
            raise refused("Every action has an actionId of its own.", f"{at}.actionId")
        if one.get("type") not in HOLDS:
            raise refused(f"Actions of type {str(one.get('type'))[:50]} are not supported.", f"{at}.type")
        places[id] = (at, one)
    if not places:
        return []
    reader = _Reader(places, object_type)
    made = reader.chain(step_id(start), 0, "startActionId")
    if missed := [at for id, (at, _one) in places.items() if id not in reader.read]:
        raise refused("No connection leads to this action.", missed[0])
    return made


class _Reader:
    def __init__(self, places: dict[str, tuple[str, Mapping[str, Any]]], object_type: str) -> None:
        self.places, self.object_type = places, object_type
        self.read: set[str] = set()

    def chain(self, id: str, depth: int, at: str) -> list[Stored]:
        """The step and all that follow by STANDARD connections."""
        made: list[Stored] = []
        while id:
            if depth > DEEPEST:
                raise refused("Branches are nested too deeply.", at)
            if id not in self.places:
                raise refused(f"There is no action {id.removeprefix('s')[:50]}.", at)
            if id in self.read:
                raise refused("Two STANDARD connections lead to this action; the second is a GO_TO.", self.places[id][0])
            self.read.add(id)
            at, action = self.places[id]
            one, wires = flow_steps_in.step(action, id, at, self.object_type)
            if wires is not None:
                return [*made, *self.branch(one, wires, depth, at)]
            made.append(one)
            id, jump = self.wire(action.get("connection"), f"{at}.connection")
            if jump:
                return [*made, _go_to(one["id"], "", id)]
        return made

    def wire(self, given: Any, at: str) -> tuple[str, bool]:
        """Where a connection leads ("" : nowhere), and whether it jumps."""
        if not given:
            return "", False
        kind, next_id = str(mapping(given, at).get("edgeType", "STANDARD")).upper().replace("-", "_"), given.get("nextActionId")
        if kind not in ("STANDARD", "GO_TO"):
            raise refused(f"edgeType is STANDARD or GO_TO, not {kind[:30]}.", at)
        if not next_id:
            return "", False
        id = step_id(next_id)
        if id not in self.places:
            raise refused(f"There is no action {str(next_id)[:50]}.", at)
        return id, kind == "GO_TO"

    def branch(self, one: Stored, wires: list[Wire], depth: int, at: str) -> list[Stored]:
        """A branch with the steps of its ways, and those that follow where the ways join."""
        for owner, label, given, place in wires:
            id, jump = self.wire(given, place)
            inside = [_go_to(owner["id"], label, id)] if jump else self.chain(id, depth + 1, place) if id else []
            owner["paths"].append({"label": label, "steps": inside})
        return _joined(one)


def _go_to(source: str, way: str, target: str) -> Stored:
    """Its id is made from where it leaves, so that the same flow is always the same."""
    return {"id": f"{source}-{way}-go" if way else f"{source}-go", "type": "go_to", "to": target}


def _joined(branch: Stored) -> list[Stored]:
    """The branch, and behind it what all its ways lead to: the STANDARD connection of one of them is taken out of it."""
    for path in branch["paths"]:
        if path["steps"] and path["steps"][0].get("nested"):  # further ways of the same branch of HubSpot's
            del path["steps"][0]["nested"]
            path["steps"] = _joined(path["steps"][0])
    for path in branch["paths"]:
        others = [other["steps"] for other in branch["paths"] if other is not path]
        for n, step in enumerate(path["steps"]):
            if others and all(_leads(other, step["id"]) for other in others):
                for other in others:
                    _cut(other, step["id"])
                path["steps"], tail = path["steps"][:n], path["steps"][n:]
                return [branch, *tail]
    return [branch]


def _leads(steps: list[Stored], target: str) -> bool:
    """Whether every end of these steps jumps to the target, or ends the run for good."""
    if not steps:
        return False
    last = steps[-1]
    if last.get("paths"):
        return all(_leads(path["steps"], target) for path in last["paths"])
    return (last["type"] == "go_to" and last["to"] == target) or last["type"] in ("end", "goal")


def _cut(steps: list[Stored], target: str) -> None:
    """Take those jumps away: the ways join there."""
    last = steps[-1]
    for path in last.get("paths", []):
        _cut(path["steps"], target)
    if last["type"] == "go_to" and last["to"] == target:
        steps.pop()
