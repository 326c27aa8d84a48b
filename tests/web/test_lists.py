"""The pages of lists: all of them, one, its editor; people put in and kept out; what is refused."""

import json
from typing import Any

import pytest
from django.test import Client

from baton.accounts import users
from baton.crm import records
from baton.platform.actor import SYSTEM
from baton.segments import refresh, verbs
from baton.segments.models import Membership, Pin, Segment

MAKERS: dict[str, Any] = {"all": [{"condition": "property", "property": "industry", "operator": "any_of", "value": ["manufacturing"]}]}
PART = {"HX-Request": "true", "HX-Target": "div#list-part"}


def contact(name: str, **values: Any) -> int:
    return records.create("contact", {"firstname": name, "email": f"{name.lower()}@client.example", **values}, actor=SYSTEM, source="test")


@pytest.fixture
def makers(account: object) -> Segment:
    """An active list with Anna in it; Ben is not."""
    contact("Anna", industry="manufacturing")
    segment = verbs.create_segment("Makers", MAKERS, "active", SYSTEM)
    refresh.everyone(segment)
    return Segment.objects.get(pk=segment.pk)


def test_a_list_tells_who_is_in_it_and_why(web: Client, makers: Segment) -> None:
    page = web.get("/lists/").content.decode()
    assert "Makers" in page
    page = web.get(f"/lists/{makers.pk}/").content.decode()
    assert "Anna" in page
    assert "Industry is any of Manufacturing" in page
    assert "Nothing uses this list yet." in page
    other = verbs.create_segment("Others", {"not": {"condition": "in_segment", "segment": makers.pk}}, "active", SYSTEM)
    assert "Others" in web.get(f"/lists/{makers.pk}/").content.decode()
    answer = web.post(f"/lists/{makers.pk}/do/", {"do": "archive"}, headers=PART)
    assert answer.status_code == 422
    assert "This list is used by: Others" in answer.content.decode()
    verbs.archive_segment(other, actor=SYSTEM)
    assert web.post(f"/lists/{makers.pk}/do/", {"do": "archive"}, headers=PART).headers["HX-Redirect"] == "/lists/"
    assert "Makers" not in web.get("/lists/").content.decode()
    assert "Makers" in web.get("/lists/?archived=1").content.decode()
    web.post(f"/lists/{makers.pk}/do/", {"do": "restore"}, headers=PART)
    assert "Makers" in web.get("/lists/").content.decode()


def test_a_hand_puts_in_and_keeps_out_with_a_reason(web: Client, makers: Segment) -> None:
    ben, anna = contact("Ben"), Membership.objects.get().contact_id
    assert "Ben" in web.get(f"/lists/{makers.pk}/people/?q=Ben").content.decode()
    answer = web.post(f"/lists/{makers.pk}/hand/", {"do": "add", "id": ben, "why": "asked for it"}, headers=PART)
    html = answer.content.decode()
    assert "Ben" in html
    assert "By hand" in html
    assert "asked for it" in html
    undo = json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]
    html = web.post(f"/lists/{makers.pk}/hand/", {"do": "remove", "id": anna, "why": "a competitor"}, headers=PART).content.decode()
    assert "Kept out by hand" in html
    assert {p.side for p in Pin.objects.all()} == {"in", "out"}
    web.post(undo["url"], undo["values"], headers=PART)
    assert set(Membership.objects.values_list("contact_id", flat=True)) == set()
    html = web.post(f"/lists/{makers.pk}/hand/", {"do": "back", "id": anna}, headers=PART).content.decode()
    assert "Anna" in html
    assert not Pin.objects.exists()
    assert web.post(f"/lists/{makers.pk}/hand/", {"do": "add", "id": "x"}, headers=PART).status_code == 422


def test_a_list_is_made_changed_and_converted(web: Client, makers: Segment) -> None:
    assert "Opened a mail" in web.get("/lists/new/").content.decode()
    assert "Did nothing" not in web.get("/lists/new/?preset=opened").content.decode().partition("<aside")[0]
    answer = web.post("/lists/new/", {"name": "", "filter": json.dumps({"all": [{"condition": "page_viewed", "days": "x"}]})})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Give the list a name." in html or "Expected a whole number." in html
    made = web.post("/lists/new/", {"name": "People", "kind": "fixed", "filter": json.dumps(MAKERS), "role": "persona"}).headers["HX-Redirect"]
    people = Segment.objects.get(name="People")
    assert made == f"/lists/{people.pk}/"
    refresh.everyone(people)
    finance = {"all": [{"condition": "property", "property": "industry", "operator": "any_of", "value": ["finance"]}]}
    contact("Cara", industry="finance")
    effect = web.post(f"/lists/effect/?id={makers.pk}", {"filter": json.dumps(finance)}).content.decode()
    assert "+1" in effect
    assert "−1" in effect
    assert effect.index("Cara") < effect.index("Anna")
    assert web.post(f"/lists/{makers.pk}/edit/", {"name": "Bankers", "filter": json.dumps(finance)}).headers["HX-Redirect"] == f"/lists/{makers.pk}/"
    assert Segment.objects.get(pk=makers.pk).filter == finance
    assert "changed the filter; before: Industry is any of Manufacturing" in web.get(f"/lists/{makers.pk}/").content.decode()
    refused = web.post(f"/lists/{makers.pk}/do/", {"do": "fix"}, headers=PART)  # the new members are not known yet
    assert refused.status_code == 422
    refresh.everyone(Segment.objects.get(pk=makers.pk))
    assert "Fixed" in web.post(f"/lists/{makers.pk}/do/", {"do": "fix"}, headers=PART).content.decode()
    assert Segment.objects.get(pk=makers.pk).kind == "fixed"
    copy = web.post(f"/lists/{makers.pk}/do/", {"do": "copy"}, headers=PART).headers["HX-Redirect"]
    assert Segment.objects.get(pk=int(copy.split("/")[2])).name == "Bankers (copy)"


def test_a_reason_is_told_with_the_filter_of_its_time(web: Client, makers: Segment) -> None:
    both = {"any": [*MAKERS["all"], {"condition": "page_viewed", "address": "/pricing"}]}
    verbs.update_segment(makers, filter=both, actor=SYSTEM)
    refresh.everyone(Segment.objects.get(pk=makers.pk))
    html = web.get(f"/lists/{makers.pk}/members/").content.decode()
    assert "Industry is any of Manufacturing" in html
    assert "viewed the page" not in html


def test_who_may_not(account: object, makers: Segment) -> None:
    users.create("view@nuriwork.example", "박보기", "a-long-enough-one", "viewer", actor=SYSTEM)
    from baton.accounts.models import User

    other = Client(headers={"accept-language": "en"})
    other.force_login(User.objects.get(email="view@nuriwork.example"))
    assert other.post(f"/lists/{makers.pk}/hand/", {"do": "add", "id": "1"}).status_code == 403
    assert other.get("/lists/new/").status_code == 403
    assert Client().get("/lists/").status_code == 302


def test_all_lists_are_read_in_as_many_statements_as_one(web: Client, makers: Segment, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        verbs.create_segment(f"List {number}", {"condition": "in_segment", "segment": makers.pk}, "active", SYSTEM)
    web.get("/lists/")
    with django_assert_max_num_queries(25):
        web.get("/lists/")
