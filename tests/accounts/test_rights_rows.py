"""Own, team and all with real records: whoever may not see one finds it on no page, in no search, list, board or export, and changes it nowhere."""

from typing import Any

import pytest
from django.test import Client

from baton.accounts import rights, roles, tokens, users
from baton.accounts.models import Account, User
from baton.crm import activities, associations, duplicates, files, merge, records
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.segments import finder
from baton.segments.finder import Find
from baton.segments.models import Score
from baton.web.feeds import ContactFeed
from tests import endpoints
from tests.segments import scores

pytestmark = pytest.mark.django_db
TITLE = {"contact": "lastname", "company": "name", "deal": "dealname", "ticket": "subject", "product": "name", "task": "subject"}
OWNERS = ("me", "mate", "far", "nobody")
SEEN = {"own": {"me"}, "team": {"me", "mate", "nobody"}, "all": set(OWNERS), "none": set()}
AREAS = dict.fromkeys(rights.AREAS, "view")


@pytest.fixture
def people(account: Account) -> dict[str, User]:
    return {
        name: users.create(f"{name}@nuriwork.example", name, "a-long-enough-one", "sales", actor=SYSTEM, team=team)
        for name, team in (("me", "1팀"), ("mate", "1팀"), ("far", "2팀"))
    }


@pytest.fixture
def rows(people: dict[str, User]) -> dict[str, dict[str, int]]:
    """One record of each type for each owner; its title is 비밀-<type>-<owner>."""
    return {
        object_type: {
            owner: records.create(
                object_type, {name: f"비밀-{object_type}-{owner}", "owner_id": str(people[owner].pk) if owner in people else None}, actor=SYSTEM, source="test"
            )
            for owner in OWNERS
        }
        for object_type, name in TITLE.items()
    }


def reach(user: User, view: str, edit: str = "none") -> User:
    """Give the user a role that sees and changes records this far."""
    key = roles.create(f"{view}-{edit}", copy_of="viewer", actor=SYSTEM)
    held = {"*": {"view": view, "edit": edit, "delete": edit, "export": edit, "create": "none"}}
    roles.change(key, name=key, rights=held, areas=AREAS, actor=SYSTEM)
    users.set_role(user.pk, key, actor=SYSTEM)
    return users.get(user.pk)


def browser(user: User) -> Client:
    web = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    web.force_login(user)
    return web


@pytest.mark.parametrize("view", list(SEEN))
def test_the_finder_finds_what_may_be_seen(people: dict[str, User], rows: dict[str, dict[str, int]], view: str) -> None:
    held = rights.of(reach(people["me"], view))
    for object_type, made in rows.items():
        wanted = {made[owner] for owner in SEEN[view]}
        find = Find(object_type, rights=held)
        assert set(finder.ids(find, limit=50)) == wanted
        assert finder.count(find).number == len(wanted)
        assert {id for part in finder.each(find) for id in part} == wanted
    hits = finder.quick("비밀", rights=held, limit=100)
    assert {(hit.object_type, hit.id) for hit in hits} <= {(object_type, made[owner]) for object_type, made in rows.items() for owner in SEEN[view]}
    assert view == "none" or hits


@pytest.mark.parametrize("view", ["own", "team"])
def test_no_page_shows_a_record_that_may_not_be_seen(account: Account, people: dict[str, User], rows: dict[str, dict[str, int]], view: str) -> None:
    web = browser(reach(people["me"], view))
    hidden = [f"비밀-{object_type}-{owner}" for object_type in TITLE for owner in OWNERS if owner not in SEEN[view]]
    made = endpoints.world(account, people["me"])
    model = scores.create("점수", mql=5, sql=25, actor=SYSTEM)
    for id in rows["contact"].values():  # hot enough for the start page
        Score.objects.create(model_id=model.pk, contact_id=id, total=40, changed_at=clock.now())
    asked = (
        {page.address for page in endpoints.pages(made)}
        | {f"/palette/?q={word}" for word in ("비밀", "ㅂㅁ", "deal-far")}
        | {
            f"/{table}/?{query}"
            for table in ("contacts", "companies", "deals", "tickets", "objects/products")
            for query in ("q=비밀", "layout=board", "sort=id")
        }
    )
    shown = []
    for address in sorted(asked):
        answer = web.get(address)
        body = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()  # type: ignore[attr-defined]  # tests' answers
        shown += [(address, title) for title in hidden if title in body]
    assert shown == []


def test_what_may_be_seen_is_shown(people: dict[str, User], rows: dict[str, dict[str, int]]) -> None:
    web = browser(reach(people["me"], "team"))
    for table in ("contacts", "deals"):
        body = web.get(f"/{table}/").content.decode()
        assert all(f"비밀-{table[:-1]}-{owner}" in body for owner in SEEN["team"]), table
    assert "비밀-deal-mate" in web.get("/palette/?q=비밀-deal").content.decode()


@pytest.mark.parametrize(("view", "edit"), [("own", "own"), ("team", "own"), ("team", "team"), ("all", "own"), ("all", "team")])
def test_records_open_and_change_as_far_as_the_role_reaches(people: dict[str, User], rows: dict[str, dict[str, int]], view: str, edit: str) -> None:
    web = browser(reach(people["me"], view, edit))
    for table, object_type in endpoints.TYPES.items():
        for owner, id in rows[object_type].items():
            address = f"/{table}/{id}/"
            assert (web.get(address).status_code == 200) is (owner in SEEN[view]), (address, owner)
            answer = web.post(f"{address}properties/{TITLE[object_type]}/", {"value": "anders"})
            changed = records.get(object_type, id).properties[TITLE[object_type]] == "anders"
            assert changed is (owner in SEEN[edit] and owner in SEEN[view]), (address, owner, answer.status_code)


@pytest.mark.parametrize("view", ["own", "team", "none"])
def test_activities_and_files_of_others_are_not_in_the_story_of_ones_own_records(people: dict[str, User], view: str) -> None:
    """A colleague's note about my contact is as far away as his role's notes are: not in the timeline, the pinned note, the tasks or the card."""
    me = people["me"]
    key = roles.create("mine", copy_of="viewer", actor=SYSTEM)
    kinds = ("note", "call", "meeting", "task", "email", "communication", "deal")
    held = {"*": {"view": "all"}, **{kind: {"view": view} for kind in kinds}}
    roles.change(key, name=key, rights=held, areas=AREAS, actor=SYSTEM)
    users.set_role(me.pk, key, actor=SYSTEM)
    he = records.create("contact", {"lastname": "고객", "owner_id": str(me.pk)}, actor=SYSTEM, source="test")
    company = records.create("company", {"name": "회사"}, actor=SYSTEM, source="test")
    associations.link("contact", he, "company", company, actor=SYSTEM)
    for owner, user in people.items():
        for kind, name in (("note", "body"), ("call", "body"), ("meeting", "body"), ("task", "subject")):
            values = {name: f"비밀-{kind}-{owner}", "owner_id": str(user.pk)}
            id = activities.write(kind, values, [("contact", he), ("company", company)], actor=SYSTEM)
            files.add(id, f"파일-{kind}-{owner}.txt", f"속-{kind}-{owner}".encode(), actor=SYSTEM)
            if (kind, owner) == ("note", "far"):
                activities.pin("contact", he, "note", id, actor=SYSTEM)
                far = id
    deal = records.create("deal", {"dealname": "비밀-deal-far", "owner_id": str(people["far"].pk)}, actor=SYSTEM, source="test")
    associations.link("contact", he, "deal", deal, actor=SYSTEM)
    web = browser(users.get(me.pk))
    for address in (f"/contacts/{he}/", f"/companies/{company}/"):
        body = web.get(address).content.decode()
        for kind in ("note", "call", "meeting", "task"):
            for owner in people:
                assert (f"비밀-{kind}-{owner}" in body) is (owner in SEEN[view]), (address, kind, owner)
                assert (f"파일-{kind}-{owner}" in body) is (owner in SEEN[view]), (address, kind, owner)
    assert web.get(f"/contacts/{he}/activities/note/{far}/").status_code == 404
    for holder in (far, deal):
        file = files.add(holder, "geheim.txt", b"geheim", actor=SYSTEM)
        assert web.get(f"/contacts/{he}/files/{holder}/{file}/").status_code == 404


def test_duplicates_of_others_are_neither_shown_nor_decided(people: dict[str, User]) -> None:
    me = people["me"]
    held = dict.fromkeys(("view", "edit", "merge"), "own")
    key = roles.create("merger", copy_of="viewer", actor=SYSTEM)
    roles.change(key, name=key, rights={"*": held}, areas=AREAS, actor=SYSTEM)
    users.set_role(me.pk, key, actor=SYSTEM)
    values = {"lastname": "비밀", "firstname": "가나", "company": "누리", "mobilephone": "010-1234-5678"}
    far = {"owner_id": str(people["far"].pk)}
    mine = records.create("contact", {**values, "email": "a@gana.example", "owner_id": str(me.pk)}, actor=SYSTEM, source="test")
    hers, third = (records.create("contact", {**values, **far, "jobtitle": f"비밀직책{n}"}, actor=SYSTEM, source="test") for n in range(2))
    duplicates.drain()
    assert duplicates.of_record(mine)
    web = browser(users.get(me.pk))
    assert "비밀직책" not in web.get(f"/merge/contact/{mine}/").content.decode()
    assert web.post(f"/duplicates/{min(hers, third)}/{max(hers, third)}/dismiss/").status_code == 403
    made = merge.merge("contact", hers, third, actor=SYSTEM)
    assert web.get(f"/merges/{made}/").status_code == 403


def test_only_contacts_in_sight_are_listened_to(people: dict[str, User], rows: dict[str, dict[str, int]]) -> None:
    me = reach(people["me"], "team")
    assert {owner for owner, id in rows["contact"].items() if ContactFeed.allowed(me, str(id))} == SEEN["team"]


def test_a_token_sees_all_or_nothing(account: Account, rows: dict[str, dict[str, int]]) -> None:
    def ask(*scopes: str) -> Any:
        plain = tokens.create("program", scopes, limited=False, actor=SYSTEM)
        return Client().get("/crm/v3/objects/deals?limit=50", headers={"authorization": f"Bearer {plain}"})

    assert {row["id"] for row in ask("deals.read").json()["results"]} == {str(id) for id in rows["deal"].values()}
    assert ask("contacts.read").status_code == 403
