"""Who enters a flow, how often, and what ends a run: HubSpot's enrollment criteria and Baton's triggers and settings, both ways.

Criteria are a filter whoever fits enters by. Baton enters by a list, a form or an event: criteria of one such condition are its trigger; any other
filter becomes a list of its own (its preset is ENROLLMENT), and the trigger is joining it.
"""

from collections.abc import Mapping
from typing import Any

from baton.api.hubspot import branches, branches_out, flow_steps_out
from baton.api.hubspot.flow_words import Shape, mapping, number, only, refused, rows
from baton.automation.graph import Graph, parse
from baton.automation.settings import Settings
from baton.automation.trigger import Trigger, triggers
from baton.crm import types
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.segments import verbs as lists
from baton.segments.models import Segment

Stored = dict[str, Any]
ENROLLMENT = "enrollment"
PARTS = {
    "enrollmentCriteria", "enrollmentSchedule", "timeWindows", "blockedDates", "customProperties", "dataSources", "suppressionListIds", "goalFilterBranch",
    "canEnrollFromSalesforce", "eventAnchor", "unEnrollmentSetting", "suppressionFilterBranch", "baton",
}  # fmt: skip


# out


def shown(graph: Graph, object_type: str) -> Shape:
    """The parts of a flow that say who enters and what ends a run."""
    said = _words(graph, object_type)
    exact = not _more(graph) and len(graph.triggers) <= 1
    return said if exact else {**said, "baton": {"triggers": [_plain(one) for one in graph.triggers], "settings": graph.settings.model_dump(mode="json")}}


def _words(graph: Graph, object_type: str) -> Shape:
    settings = graph.settings
    made: Shape = {"enrollmentCriteria": _criteria(graph, object_type), "timeWindows": [], "blockedDates": [], "customProperties": {}, "dataSources": []}
    if object_type == "contact":
        made |= {"suppressionListIds": list(settings.suppress), "canEnrollFromSalesforce": False}
    if settings.goal:
        made["goalFilterBranch"] = flow_steps_out.test(settings.goal, object_type)
    return made


def _criteria(graph: Graph, object_type: str) -> Shape:
    again = graph.settings.again != "never"
    tests = [test for one in graph.triggers if (test := _test(one)) is not None]
    if graph.triggers and len(tests) == len(graph.triggers):
        if all(one.key == "event_happened" for one in graph.triggers):
            events = [part for test in tests for part in _events(test)]
            return {"type": "EVENT_BASED", "eventFilterBranches": events, "listMembershipFilterBranches": [], "shouldReEnroll": again}
        asked = branches_out.write(
            {"any": [test if "all" in test else {"all": [test]} for test in tests]} if len(tests) > 1 or "any" not in tests[0] else tests[0]
        )
        return {
            "type": "LIST_BASED", "listFilterBranch": asked, "shouldReEnroll": again, "unEnrollObjectsNotMeetingCriteria": False,
            "reEnrollmentTriggersFilterBranches": [],
        }  # fmt: skip
    return {"type": "MANUAL", "shouldReEnroll": again}


def _test(trigger: Trigger) -> Stored | None:
    """A trigger as the filter HubSpot enrolls by."""
    stored = _plain(trigger)
    match trigger.key:
        case "segment_joined":
            own = Segment.objects.filter(pk=stored["segment"] or 0, preset=ENROLLMENT).first()
            return own.filter if own else {"condition": "in_segment", "segment": stored["segment"]} if stored["segment"] else None
        case "form_submitted":
            return {"condition": "form_submitted", **({"form": stored["form"]} if stored["form"] else {})}
        case "event_happened" if _events(stored["filter"]):
            return dict(stored["filter"])
    return None


def _events(stored: Stored) -> list[Shape]:
    """The UNIFIED_EVENTS branches of a filter about events; none where one is about something HubSpot has no number for."""
    found = []
    for one in stored.get("any", [stored]):
        said = branches_out.write(one)["filterBranches"][0]["filters"] if "condition" in one else []
        if len(said) != 1 or said[0].get("filterType") != "UNIFIED_EVENTS":
            return []
        event = said[0]
        made = {"filterBranchType": "UNIFIED_EVENTS", "filterBranchOperator": "AND", "filters": event["filterLines"], "filterBranches": []}
        found.append(made | {name: value for name, value in event.items() if name not in ("filterType", "filterLines")})
    return found


def _more(graph: Graph) -> bool:
    """Whether the words leave something out."""
    plain = Settings(again="never" if graph.settings.again == "never" else "every_time", suppress=graph.settings.suppress, goal=graph.settings.goal)
    said = [_plain(one) for one in graph.triggers]
    simple = all(
        (one["type"], {k for k, v in one.items() if v not in (None, "", {}, [])} - {"id", "type"})
        in (("segment_joined", {"segment"}), ("form_submitted", {"form"}), ("form_submitted", set()), ("event_happened", {"filter"}))
        and one["id"] == "t"
        for one in said
    )
    return graph.settings != plain or not simple or bool(graph.settings.goal)


def _plain(trigger: Trigger) -> Stored:
    return {"type": trigger.key, **trigger.model_dump(mode="json")}


# in


def read(flow: Mapping[str, Any], object_type: str, actor: Actor, name: str, now: Graph | None = None) -> tuple[list[Stored], Stored]:
    """Triggers and settings. A filter that is no trigger becomes a list. Raises Failure 400 for what Baton cannot do."""
    for part in ("timeWindows", "blockedDates", "customProperties", "dataSources", "enrollmentSchedule", "eventAnchor", "canEnrollFromSalesforce"):
        if flow.get(part):
            raise refused(f"{part} is not supported.", part)
    leave = flow.get("unEnrollmentSetting")
    if leave:
        raise refused("Leaving other flows at enrollment is not supported; use the step that leaves a workflow.", "unEnrollmentSetting")
    if isinstance(flow.get("baton"), Mapping) and (found := _as_it_was(flow, object_type)) is not None:
        return found
    if now is not None and _same(flow, _words(now, object_type)):
        return [_plain(one) for one in now.triggers], now.settings.model_dump(mode="json")
    criteria = mapping(flow.get("enrollmentCriteria") or {"type": "MANUAL"}, "enrollmentCriteria")
    settings: Stored = {"again": "every_time" if criteria.get("shouldReEnroll") else "never"}
    if ids := rows(flow.get("suppressionListIds"), "suppressionListIds"):
        settings["suppress"] = [number(one, f"suppressionListIds.{n}") for n, one in enumerate(ids)]
    if flow.get("goalFilterBranch"):
        settings["goal"] = branches.read(flow["goalFilterBranch"], at="goalFilterBranch", of=object_type)
    audience = []
    if flow.get("suppressionFilterBranch"):
        audience.append({"not": branches.read(flow["suppressionFilterBranch"], at="suppressionFilterBranch", of=object_type)})
    made = _entry(criteria, object_type, actor, name, audience, now)
    if audience:
        settings["audience"] = audience[0] if len(audience) == 1 else {"all": audience}
    return made, settings


def _entry(criteria: Mapping[str, Any], object_type: str, actor: Actor, name: str, audience: list[Stored], now: Graph | None) -> list[Stored]:
    at = "enrollmentCriteria"
    match str(criteria.get("type", "")).upper():
        case "MANUAL":
            only(criteria, {"type", "shouldReEnroll"}, at)
            return [{"id": "t", "type": "manual"}] if "manual" in triggers() else []
        case "LIST_BASED":
            only(criteria, {"type", "shouldReEnroll", "listFilterBranch", "reEnrollmentTriggersFilterBranches"}, at)
            asked = branches.read(mapping(criteria.get("listFilterBranch"), f"{at}.listFilterBranch"), at=f"{at}.listFilterBranch", of=object_type)
            again = rows(criteria.get("reEnrollmentTriggersFilterBranches"), f"{at}.reEnrollmentTriggersFilterBranches")
            if again and not _within(again, asked, object_type):
                raise refused("Baton enrolls again by the same criteria, not by others.", f"{at}.reEnrollmentTriggersFilterBranches")
            return _by_filter(asked, object_type, actor, name, now)
        case "EVENT_BASED":
            only(criteria, {"type", "shouldReEnroll", "eventFilterBranches", "listMembershipFilterBranches", "refinementCriteria"}, at)
            if criteria.get("refinementCriteria"):
                audience.append(branches.read(criteria["refinementCriteria"], at=f"{at}.refinementCriteria", of=object_type))
            for n, one in enumerate(rows(criteria.get("listMembershipFilterBranches"), f"{at}.listMembershipFilterBranches")):
                audience.append(branches.read(mapping(one, f"{at}.listMembershipFilterBranches.{n}"), at=f"{at}.listMembershipFilterBranches.{n}"))
            events = rows(criteria.get("eventFilterBranches"), f"{at}.eventFilterBranches")
            if not events:
                raise refused("Name at least one event.", f"{at}.eventFilterBranches")
            found = [branches.read(mapping(one, f"{at}.eventFilterBranches.{n}"), at=f"{at}.eventFilterBranches.{n}") for n, one in enumerate(events)]
            return [{"id": "t", "type": "event_happened", "filter": found[0] if len(found) == 1 else {"any": found}}]
    raise refused(f"Criteria of type {str(criteria.get('type'))[:50]} are not supported.", f"{at}.type")


def _by_filter(asked: Stored, object_type: str, actor: Actor, name: str, now: Graph | None) -> list[Stored]:
    """One trigger for each alternative that is one; else one list for all of it."""
    if object_type != "contact":
        raise refused("Baton enrolls records other than contacts by events or by hand, not by a filter.", "enrollmentCriteria.listFilterBranch")
    simple = [_trigger(_core(one)) for one in asked.get("any", [asked])]
    if simple and all(simple):
        return [{"id": "t" if not n else f"t{n + 1}", **one} for n, one in enumerate(simple) if one]
    for one in now.triggers if now else ():
        own = Segment.objects.filter(pk=_plain(one).get("segment") or 0, preset=ENROLLMENT, archived_at=None).first()
        if own is not None:
            return [{"id": "t", "type": "segment_joined", "segment": lists.update_segment(own, filter=asked, actor=actor).pk}]
    made = lists.create_segment(f"{name} (enrollment)", asked, "active", actor, preset=ENROLLMENT)
    return [{"id": "t", "type": "segment_joined", "segment": made.pk}]


def _core(stored: Stored) -> Stored:
    """A group of one is what is in it."""
    for word in ("all", "any"):
        if isinstance(stored.get(word), list) and len(stored[word]) == 1:
            return _core(stored[word][0])
    return stored


def _trigger(stored: Stored) -> Stored | None:
    match stored:
        case {"condition": "in_segment", "segment": int(segment)}:
            return {"type": "segment_joined", "segment": segment}
        case {"condition": "form_submitted", **rest} if rest.keys() <= {"form"}:
            return {"type": "form_submitted", **rest}
    return None


def _within(again: list[Any], asked: Stored, object_type: str) -> bool:
    """Whether those who would come again are asked for by the criteria too."""
    mine = [_core(one) for one in asked.get("any", [asked])]
    parts = [_core(one) for group in mine for one in group.get("all", [group])]
    found = [_core(branches.read(mapping(one, "enrollmentCriteria"), of=object_type)) for one in again]
    return all(_core(part) in [*mine, *parts] for one in found for part in one.get("all", [one]))


def _as_it_was(flow: Mapping[str, Any], object_type: str) -> tuple[list[Stored], Stored] | None:
    """What Baton wrote down itself; None when the words were changed since."""
    try:
        found = parse({"triggers": flow["baton"].get("triggers", []), "settings": flow["baton"].get("settings", {})}, object_type)
    except Invalid:
        return None
    if not _same(flow, _words(found, object_type)):
        return None
    return [_plain(one) for one in found.triggers], found.settings.model_dump(mode="json")


def _same(flow: Mapping[str, Any], said: Shape) -> bool:
    names = {"enrollmentCriteria", "suppressionListIds", "goalFilterBranch"}
    return all((flow.get(name) or None) == (said.get(name) or None) for name in names)


def kind(object_type_id: Any) -> str:
    """The object type a flow is about. Raises Failure 400."""
    found = types.resolve(str(object_type_id or "0-1"))
    if found is None:
        raise refused(f"There is no object type {str(object_type_id)[:50]}.", "objectTypeId")
    return found.key
