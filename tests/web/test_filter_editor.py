"""The editor of filters: what is drawn comes back as it was, its buttons build any filter, and faults stand where they are."""

import json
import re
from typing import Any

from django.http import QueryDict
from django.test import Client

from baton.platform.actor import SYSTEM
from baton.segments import list_presets
from baton.segments.condition import conditions
from baton.web.parts import condition_form, filter_editor

HAS = {"condition": "property", "property": "industry", "operator": "any_of", "value": ["it", "finance"]}
SEEN = {"condition": "page_viewed", "address": "/pricing", "match": "contains", "at_least": 2, "days": 30}
DEEP: dict[str, Any] = {
    "all": [
        HAS,
        {"not": SEEN},
        {"any": [SEEN, {"not": {"any": [HAS, {"all": [{"not": HAS}, SEEN]}]}}]},
        {
            "not": {
                "related": "company",
                "filter": {"any": [{"condition": "property", "property": "city", "operator": "is", "value": "서울"}]},
                "label": "primary",
            }
        },
        {"related": "deal"},
    ]
}


def inputs(html: str) -> QueryDict:
    """What a browser would send of the page."""
    from html import unescape

    found = QueryDict(mutable=True)
    for tag in re.finditer(r"<(?:(input)\b([^>]*)>|(select)\b([^>]*)>(.*?)</select>)", html, re.S):
        about = tag[2] or tag[4] or ""
        at = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', about)}
        if "name" not in at:
            continue
        if tag[3]:
            options = re.findall(r'<option value="([^"]*)"([^>]*)>', tag[5])
            chosen = [value for value, more in options if "selected" in more] or [value for value, _more in options[:1]]
            found.appendlist(at["name"], unescape(chosen[0]) if chosen else "")
        elif at.get("type") != "checkbox" or re.search(r"\bchecked\b", about):
            found.appendlist(at["name"], at.get("value", ""))
    return found


def drawn(web: Client, stored: dict[str, Any], do: str = "", kind: str = "contact", **fields: Any) -> str:
    answer = web.post(f"/filter-editor/?name=filter&type={kind}&count=1", {"filter": json.dumps(stored), "filter!": do, **fields})
    assert answer.status_code == 200, answer.content.decode()[:300]
    return answer.content.decode()


def test_what_is_drawn_and_sent_back_is_the_same(web: Client) -> None:
    for stored in (HAS, {"not": {"not": HAS}}, {"any": [HAS, SEEN]}, {"not": {"all": [HAS, SEEN]}}, DEEP, {}):
        back = filter_editor.read(inputs(drawn(web, stored)))
        assert back == filter_editor.pruned(filter_editor.whole(stored))
        assert filter_editor.read(inputs(drawn(web, back))) == back
    assert filter_editor.pruned(filter_editor.whole(DEEP)) == DEEP


def test_every_condition_can_be_added_and_comes_back(web: Client) -> None:
    for key in conditions():
        html = drawn(web, {}, f"add|all|{key}")
        assert filter_editor.read(inputs(html))["all"][0] == condition_form.blank(key)
        assert "Expected" not in html  # nothing is wrong yet, at most missing


def test_the_buttons_build_a_filter(web: Client, oh: Any) -> None:
    html = drawn(web, {}, "group|all")
    html = drawn(web, filter_editor.tree(inputs(html)), "add|all.0.any|property")
    html = drawn(web, filter_editor.tree(inputs(html)), "related|all|deal")
    html = drawn(web, filter_editor.tree(inputs(html)), "add|all.1.filter.all|property")
    assert [p["condition"] for p in (filter_editor.read(inputs(html))["all"][1]["filter"]["all"])] == ["property"]
    html = drawn(web, filter_editor.read(inputs(html)), "copy|all.0.any.0")
    assert len(filter_editor.read(inputs(html))["all"][0]["any"]) == 2
    html = drawn(web, filter_editor.read(inputs(html)), "drop|all.0")
    assert list(filter_editor.read(inputs(html))["all"][0]) == ["related", "filter"]


def test_the_people_who_are_left_out_are_one_click(web: Client) -> None:
    html = drawn(web, {"all": [HAS]}, "exclude|all|block")
    block = list_presets.find_exclusions()
    assert block is not None
    assert filter_editor.read(inputs(html))["all"][1] == {"not": {"condition": "in_segment", "segment": block.pk}}
    drawn(web, {}, "exclude|all|block")
    assert list_presets.exclusions() == block  # made once


def test_how_often_and_when_are_one_choice_each() -> None:
    def after(stored: dict[str, Any], **fields: str) -> dict[str, Any]:
        given = QueryDict(mutable=True)
        given.update({"p/": "1", **{f"p/{name}": value for name, value in fields.items()}})
        return condition_form.read(given, "p", stored)

    seen = {"condition": "page_viewed", "address": "/pricing"}
    assert after(seen, often="at_least") == {**seen, "at_least": 2}
    assert after({**seen, "at_least": 2}, often="at_least", at_least="5") == {**seen, "at_least": 5}
    assert after({**seen, "at_least": 5}, often="never") == {**seen, "at_most": 0}
    assert after(seen, often="between", at_least="2", at_most="5") == {**seen, "at_least": 2, "at_most": 5}
    assert after({**seen, "days": 7}, when="") == seen
    assert after(seen, when="days") == {**seen, "days": 30}
    assert after({**seen, "days": 7}, when="days", days="14") == {**seen, "days": 14}
    assert after({**seen, "days": 7}, when="days", days="x") == {**seen, "days": "x"}  # said as a fault, not swallowed


def test_faults_stand_at_their_condition(web: Client) -> None:
    html = drawn(web, {"all": [HAS, {"any": [SEEN | {"days": "x"}]}]})
    assert "Expected a whole number." in html
    assert 'aria-invalid="true"' in html.partition("all.1.any.0/days")[2][:80] or "aria-invalid" in html
    assert web.post("/filter-editor/?name=filter&type=contact", {"filter": "[1"}).status_code == 422
    assert web.post("/filter-editor/?name=filter&type=nothing", {}).status_code == 422


def test_a_count_is_exact_for_what_is_quickly_counted(web: Client) -> None:
    from baton.crm import records

    for number in range(3):
        records.create("contact", {"email": f"n{number}@client.example", "industry": "it"}, actor=SYSTEM, source="test")
    answer = web.post("/filter-editor/count/?name=filter&type=contact", {"filter": json.dumps(HAS)})
    assert answer.content.decode().strip() == "3 found"
    assert web.post("/filter-editor/count/?name=filter&type=contact", {"filter": json.dumps({"condition": "nonsense"})}).content == b""
