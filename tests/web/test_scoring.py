"""The sheet of a score: counts, changes kept in a draft, effect, review, publishing, versions; the tested contact; scores in a list."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from baton.accounts import users
from baton.accounts.models import Account
from baton.crm import records
from baton.platform.actor import SYSTEM
from baton.segments import cards, effects, scoring
from baton.segments.models import Score, ScoreModel
from tests.segments import scores

pytestmark = pytest.mark.django_db
TRIED = {"HX-Request": "true", "HX-Target": "div#tried"}
EXEC = {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec"]}
BIG = {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 300}


@pytest.fixture
def model(account: Account) -> ScoreModel:
    """Twenty points for executives, ten for big companies; three contacts with 30, 20 and 0 points."""
    model = scores.create("Score", mql=15, sql=25, actor=SYSTEM)
    scores.define(model, "exec", "fit_person", EXEC, 20, actor=SYSTEM)
    scores.define(model, "big", "fit_company", BIG, 10, actor=SYSTEM)
    people: dict[str, dict[str, Any]] = {"하나": {"seniority": "exec", "numberofemployees": 500}, "둘": {"seniority": "exec"}, "셋": {}}
    for name, values in people.items():
        records.create("contact", {"firstname": name, "lastname": "김", "email": f"{name}@a.example", **values}, actor=SYSTEM, source="import")
    scoring.everyone(model)
    model.refresh_from_db()
    return model


@pytest.fixture
def marketer(client: Client, account: Account) -> Client:
    client.force_login(users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM, language="en"))
    return client


@pytest.fixture
def seller(account: Account) -> Client:
    client = Client()
    client.force_login(users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM, language="en"))
    return client


def draft_rule(model: ScoreModel, key: str) -> dict[str, Any]:
    version = cards.draft(model)
    assert version is not None
    found: dict[str, Any] = next(r for r in version.content["rules"] if r["key"] == key)
    return found


def total(name: str) -> int:
    return Score.objects.get(contact_id=_id(name)).total


def _id(name: str) -> int:
    from baton.crm.models import Contact

    return int(Contact.objects.get(properties__firstname=name).pk)


# The sheet ---------------------------------------------------------------------


def test_the_page_has_the_rules_with_the_people_they_match(marketer: Client, model: ScoreModel) -> None:
    assert marketer.get("/scoring/").headers["Location"] == f"/scoring/{model.key}/"
    page = marketer.get(f"/scoring/{model.key}/").content.decode()
    assert "<!doctype html>" in page
    line = page.split('id="matched-exec"')[1].split("</span>")[0]
    assert "2 people" in line
    assert "1 person" in page.split('id="matched-big"')[1].split("</span>")[0]
    people = marketer.get(line.split('href="')[1].split('"')[0]).content.decode()  # the number opens exactly these
    assert "김하나" in people
    assert "김둘" in people
    assert "김셋" not in people
    assert '<b class="num">30 points</b>' in page  # the best contact is tested first
    assert "customers in the last 90 days" not in page  # nobody became one: nothing is said
    assert "Draft" not in page.split('id="sheet-head"')[1].split("</header>")[0].replace("Draft from a file", "")


def test_the_tested_contact_by_the_draft_and_as_it_is(marketer: Client, model: ScoreModel) -> None:
    marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5", "active": "on"})
    best = _id("하나")
    by_draft = marketer.get(f"/scoring/{model.key}/?contact={best}", headers=TRIED).content.decode()
    assert '<b class="num">15 points</b>' in by_draft
    assert "by the draft" in by_draft
    assert "<b>10 points</b> are missing to SQL" in by_draft
    now = marketer.get(f"/scoring/{model.key}/?contact={best}&by=published", headers=TRIED).content.decode()
    assert '<b class="num">30 points</b>' in now
    past = marketer.get(f"/scoring/{model.key}/?contact={best}&on=2020-01-01", headers=TRIED).content.decode()
    assert '<b class="num">0 points</b>' in past
    assert "<html" not in past
    for nonsense in ("2020-99-99", "soon"):
        assert '<b class="num">15 points</b>' in marketer.get(f"/scoring/{model.key}/?contact={best}&on={nonsense}", headers=TRIED).content.decode()


def test_points_and_switch_change_the_draft_only(marketer: Client, model: ScoreModel) -> None:
    answer = marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5"})
    assert "Draft saved" in answer.content.decode()
    assert "draft-changed" in answer.headers["HX-Trigger"]
    changed = draft_rule(model, "exec")
    assert (changed["points"], changed["active"]) == (5, False)
    assert model.rules.get(key="exec").points == 20
    assert total("하나") == 30


def test_two_changes_at_once_are_made_one_after_the_other(marketer: Client, model: ScoreModel) -> None:
    with CaptureQueriesContext(connection) as seen:
        marketer.post("/scoring/score/rules/exec/set/", {"points": "12", "active": "on"}, headers=TRIED)
    asked = [query["sql"] for query in seen]
    held = next(place for place, sql in enumerate(asked) if "FOR UPDATE" in sql)
    assert all("score_version" not in sql for sql in asked[:held])  # what is changed is read while nobody else may change it


@pytest.mark.parametrize("points", ["", "viel", "1001", "1.5"])
def test_points_must_be_a_number(marketer: Client, model: ScoreModel, points: str) -> None:
    assert marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": points, "active": "on"}).status_code == 422
    assert cards.draft(model) is None


def test_a_rule_is_made_in_the_form_and_kept_once_it_is_complete(marketer: Client, model: ScoreModel) -> None:
    blank = marketer.get(f"/scoring/{model.key}/rules/new/?group=web").content.decode()
    url = blank.split('hx-post="')[1].split('"')[0]
    assert url == f"/scoring/{model.key}/rules/web_rule/"
    marketer.post(url, {"points": "4", "group": "web", "filter": "{}"})
    assert cards.draft(model) is None  # without a condition there is nothing to keep
    form = {"points": "4", "group": "web", "kind": "state", "active": "on"}
    kept = marketer.post(url, {**form, "filter": json.dumps({"condition": "page_viewed", "address": "/pricing"})}).content.decode()
    assert "saved in the draft" in kept
    assert "/pricing" in kept.split('<hx-partial hx-target="#rules"')[-1]  # the sheet behind the form follows
    seen = {**form, "filter": json.dumps({"condition": "page_viewed", "address": "/pricing"}), "kind": "event"}
    marketer.post(url, seen)
    marketer.post(url, {**seen, "times": "3", "decay": "half", "decay_days": "30", "expires_days": "365", "per_item": "on", "explicit": "on"})
    rule = draft_rule(model, "web_rule")
    assert (rule["kind"], rule["times"], rule["decay"], rule["expires_days"]) == ("event", 3, {"kind": "half", "days": 30}, 365)
    assert rule["per_item"]
    assert rule["explicit"]
    page = marketer.get(f"/scoring/{model.key}/").content.decode()
    assert "half every 30 days" in page
    assert "up to 3 times" in page
    assert "0 people" in marketer.get(f"/scoring/{model.key}/rules/web_rule/count/").content.decode()


def test_a_rule_with_a_fault_is_not_kept_and_says_why(marketer: Client, model: ScoreModel) -> None:
    wrong = {"condition": "property", "property": "nothing_like_it", "operator": "known"}
    answer = marketer.post(f"/scoring/{model.key}/rules/exec/", {"points": "4", "group": "fit_person", "active": "on", "filter": json.dumps(wrong)})
    assert answer.status_code == 422
    assert marketer.post(f"/scoring/{model.key}/rules/exec/", {"points": "x", "group": "fit_person", "filter": json.dumps(EXEC)}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/rules/exec/", {"points": "4", "group": "nowhere", "filter": json.dumps(EXEC)}).status_code == 404
    assert cards.draft(model) is None


def test_rules_are_copied_moved_deleted_and_put_back(marketer: Client, model: ScoreModel) -> None:
    at = f"/scoring/{model.key}/rules/exec/do/"
    marketer.post(at, {"do": "copy"})
    assert not draft_rule(model, "exec_2")["active"]
    marketer.post(at, {"do": "down"})
    assert [r["key"] for r in cards.draft(model).content["rules"]] == ["exec_2", "exec", "big"]  # type: ignore[union-attr]
    marketer.post(at, {"do": "to", "group": "web"})
    assert draft_rule(model, "exec")["group"] == "web"
    gone = marketer.post(at, {"do": "drop"})
    undo = json.loads(gone.headers["HX-Trigger"])["toast"]["undo"]
    assert [r["key"] for r in cards.draft(model).content["rules"]] == ["exec_2", "big"]  # type: ignore[union-attr]
    marketer.post(undo["url"], undo["values"])
    assert draft_rule(model, "exec")["points"] == 20
    assert marketer.post(at, {"do": "dance"}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/rules/nothing/do/", {"do": "copy"}).status_code == 404


def test_groups_are_added_named_capped_and_dropped_when_empty(marketer: Client, model: ScoreModel) -> None:
    at = f"/scoring/{model.key}/groups/"
    marketer.post(at, {"do": "add", "label": "Webinars", "side": "engagement"})
    marketer.post(at, {"do": "change", "group": "webinars", "label": "Events", "side": "engagement", "cap": "40"})
    assert "at most 40 points" in marketer.get(f"/scoring/{model.key}/").content.decode()
    assert marketer.post(at, {"do": "drop", "group": "fit_person"}).status_code == 409
    marketer.post(at, {"do": "drop", "group": "webinars"})
    assert "Events" not in marketer.get(f"/scoring/{model.key}/").content.decode().split('id="rules"')[1].split('id="scoring-side"')[0].replace(
        "and events", ""
    )
    assert marketer.post(at, {"do": "add", "label": ""}).status_code == 422


def test_bands_are_dragged_added_and_renamed(marketer: Client, model: ScoreModel) -> None:
    part = marketer.post(f"/scoring/{model.key}/thresholds/", {"mql": "10", "sql": "20"}).content.decode()
    assert 'data-sum="sql">2<' in part
    swapped = marketer.post(f"/scoring/{model.key}/thresholds/", {"mql": "40", "sql": "15"}).content.decode()
    assert 'data-sum="mql">2<' in swapped  # dragged past each other: the lower stays the lower
    refused = marketer.post(f"/scoring/{model.key}/thresholds/", {"mql": "20", "sql": "20"})
    assert "above the one before" in refused.headers["HX-Trigger"]
    marketer.post(f"/scoring/{model.key}/bands/", {"do": "add", "label": "Hot", "at_least": "80"})
    marketer.post(f"/scoring/{model.key}/bands/", {"do": "change", "band": "hot", "label": "Burning", "at_least": "90"})
    assert "Burning" in marketer.get(f"/scoring/{model.key}/").content.decode()
    marketer.post(f"/scoring/{model.key}/bands/", {"do": "drop", "band": "hot"})
    model.refresh_from_db()
    assert (model.begins("mql"), model.begins("sql")) == (15, 25)  # all of it is a draft


def test_free_text_is_warned_of_and_its_values_become_rules(marketer: Client, model: ScoreModel) -> None:
    records.create("contact", {"lastname": "이", "email": "lee@a.example", "jobtitle": "마케팅 팀장"}, actor=SYSTEM, source="import")
    cards.put_rule(
        model, {"key": "title", "group": "fit_person", "filter": {**EXEC, "property": "jobtitle", "operator": "is", "value": "팀장"}, "points": 5}, actor=SYSTEM
    )
    assert "free text" in marketer.get(f"/scoring/{model.key}/").content.decode()
    assert "Give points by value" in marketer.get(f"/scoring/{model.key}/rules/title/").content.decode()
    asked = f"/scoring/{model.key}/values/?property=jobtitle&group=fit_person&replace=title"
    assert "마케팅 팀장" in marketer.get(asked).content.decode()
    given = {"property": "jobtitle", "group": "fit_person", "replace": "title", "value": ["팀장", "대표", ""], "points": ["7", "20", ""], "contains": "on"}
    marketer.post(f"/scoring/{model.key}/values/", given)
    rules = {r["filter"]["value"]: r["points"] for r in cards.draft(model).content["rules"] if r["filter"].get("property") == "jobtitle"}  # type: ignore[union-attr]
    assert rules == {"팀장": 7, "대표": 20}


# Draft, effect, review, publishing -------------------------------------------------


def test_from_draft_to_published(marketer: Client, seller: Client, model: ScoreModel) -> None:
    assert marketer.get(f"/scoring/{model.key}/draft/").status_code == 302  # there is none
    marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5", "active": "on"})
    said = marketer.get(f"/scoring/{model.key}/draft/").content.decode()
    assert "20 → 5 points" in said
    assert "Publish without review" in said
    effect = marketer.get(f"/scoring/{model.key}/draft/effect/").content.decode()
    assert "<b>2</b> change band" in effect  # 30 -> 15: SQL to MQL; 20 -> 5: MQL to nurture
    assert "김하나" in effect
    assert "30 → <b>15</b>" in effect
    reviewed = seller.post(f"/scoring/{model.key}/draft/review/", {"note": "Executives rarely answer"}).content.decode()
    assert "한도윤 agreed" in reviewed
    assert "Executives rarely answer" in reviewed
    assert seller.post(f"/scoring/{model.key}/draft/publish/").status_code == 403
    assert marketer.post(f"/scoring/{model.key}/draft/publish/").headers["HX-Redirect"] == f"/scoring/{model.key}/"
    assert (total("하나"), total("둘")) == (15, 5)
    told = marketer.get(f"/scoring/{model.key}/versions/").content.decode()
    assert "reviewed by 한도윤" in told
    assert "published by 오세린" in told
    assert "20 → 5 points" in told


def test_back_to_an_older_version_and_away_with_the_draft(marketer: Client, model: ScoreModel) -> None:
    marketer.post(f"/scoring/{model.key}/versions/2/back/")
    assert [r["key"] for r in cards.draft(model).content["rules"]] == ["exec"]  # type: ignore[union-attr]
    assert marketer.post(f"/scoring/{model.key}/versions/1/back/").status_code == 409
    marketer.post(f"/scoring/{model.key}/draft/discard/")
    assert cards.draft(model) is None
    assert marketer.post(f"/scoring/{model.key}/draft/discard/").status_code == 404


def test_as_a_file_and_back(marketer: Client, model: ScoreModel) -> None:
    file = marketer.get(f"/scoring/{model.key}/versions/{model.version}/file/")
    assert "attachment" in file.headers["Content-Disposition"]
    text = file.content.decode().replace("points: 20", "points: 7")
    sent = SimpleUploadedFile("score.yaml", text.encode())
    assert marketer.post(f"/scoring/{model.key}/import/", {"file": sent}).headers["HX-Redirect"].endswith("/draft/")
    assert draft_rule(model, "exec")["points"] == 7
    wrong = marketer.post(
        f"/scoring/{model.key}/import/", {"file": SimpleUploadedFile("score.yaml", text.replace("property: seniority", "property: nix").encode())}
    )
    assert wrong.status_code == 422
    assert "rules.0.filter" in wrong.content.decode()
    assert marketer.post(f"/scoring/{model.key}/import/", {"file": SimpleUploadedFile("score.yaml", b"\xff\xfe")}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/import/").status_code == 422
    assert marketer.get(f"/scoring/{model.key}/versions/99/file/").status_code == 404


def test_an_effect_from_a_sample_is_said_to_be_one(model: ScoreModel) -> None:
    old = cards.current(model)
    new = old.model_copy(update={"rules": tuple(r.model_copy(update={"points": 5}) for r in old.rules)})
    exact = effects.of(model, old, new)
    assert (exact.exact, exact.looked_at, exact.crossed, exact.changed) == (True, 3, 2, 2)
    assert exact.moves == [[1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert [(m.before, m.after) for m in exact.people] == [(30, 10), (20, 5)]
    assert not effects.of(model, old, new, most=-1).exact


# Several scores --------------------------------------------------------------------


def test_without_a_score_one_begins_from_a_preset(marketer: Client) -> None:
    assert "Begin with one of the usual ones" in marketer.get("/scoring/").content.decode()
    made = marketer.post("/scoring/new/", {"preset": "s3-small", "name": "Small"})
    assert made.headers["HX-Redirect"] == "/scoring/small/"
    assert marketer.get("/scoring/small/").status_code == 200
    assert marketer.post("/scoring/new/", {"preset": "nothing"}).status_code == 422
    assert marketer.post("/scoring/new/", {"preset": "blank", "name": "Forms"}).headers["HX-Redirect"] == "/scoring/forms_score/"
    page = marketer.get("/scoring/").content.decode()
    assert "Small" in page
    assert "Shown on contacts" in page
    marketer.post("/scoring/forms_score/archive/")
    assert marketer.get("/scoring/forms_score/").status_code == 404
    assert marketer.post("/scoring/small/archive/").status_code == 409  # the stages are entered by its bands


def test_a_score_of_companies_has_a_sheet_too(marketer: Client, model: ScoreModel) -> None:
    made = marketer.post("/scoring/new/", {"preset": "company", "name": "Firms", "model": model.key})
    page = marketer.get(made.headers["HX-Redirect"]).content.decode()
    assert "points of a company" in page
    assert marketer.get("/scoring/firms/axes/").status_code == 404
    marketer.post("/scoring/firms/rename/", {"name": "Companies", "people": model.key, "how": "highest"})
    assert cards.draft(cards.model("firms")).content["people"]["how"] == "highest"  # type: ignore[union-attr]
    assert "shown for scores of contacts" in marketer.get("/scoring/firms/draft/effect/").content.decode()


def test_a_score_that_a_list_looks_at_is_not_put_aside(marketer: Client, model: ScoreModel) -> None:
    from baton.segments import verbs

    verbs.create_segment("Hot", {"condition": "score", "at_least": 25}, "active", SYSTEM)
    assert marketer.post(f"/scoring/{model.key}/archive/").status_code == 409
    assert "List “Hot”" in marketer.get(f"/scoring/{model.key}/criteria/").content.decode()


# Other views ------------------------------------------------------------------------


def test_the_criteria_table_is_made_from_what_is_published(marketer: Client, model: ScoreModel) -> None:
    page = marketer.get(f"/scoring/{model.key}/criteria/").content.decode()
    assert "15 – 24" in page
    assert "25 or more" in page
    assert "+20" in page
    assert "not reviewed by sales" in page


def test_fit_and_engagement_count_everybody_once_and_open_them(marketer: Client, model: ScoreModel) -> None:
    page = marketer.get(f"/scoring/{model.key}/axes/").content.decode()
    counts = [int(cell.split(">")[1].split("<")[0]) for cell in page.split('class="num" style="--v:')[1:]]
    assert sum(counts) == 3
    best = next(cell for cell in page.split('<td><a href="')[1:] if ">2</a>" in cell)
    assert "김하나" in marketer.get(best.split('"')[0]).content.decode()


def test_another_contact_is_found_to_be_tried(marketer: Client, model: ScoreModel) -> None:
    found = marketer.get(f"/scoring/people/?q=김둘&at={model.key}").content.decode()
    assert "김둘" in found
    assert "김하나" not in found
    picked = found.split('hx-get="')[1].split('"')[0]
    tried = marketer.get(f"{picked}&contact={_id('하나')}", headers=TRIED).content.decode()
    assert '<b class="num">20 points</b>' in tried


@pytest.mark.parametrize("q", ["%", "_", "\\", "<b>"])
def test_the_search_takes_any_letters(marketer: Client, model: ScoreModel, q: str) -> None:
    found = marketer.get("/scoring/people/", {"q": q}).content.decode()
    assert "김하나" not in found
    assert "<b>”" not in found


def test_who_may_look_may_not_change(seller: Client, model: ScoreModel) -> None:
    page = seller.get(f"/scoring/{model.key}/").content.decode()
    assert "rules/new/" not in page
    assert seller.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5"}).status_code == 403
    assert seller.get(f"/scoring/{model.key}/rules/exec/").status_code == 403
    assert seller.post(f"/scoring/{model.key}/groups/", {"do": "add", "label": "x"}).status_code == 403
    assert cards.draft(model) is None


def test_with_many_contacts_a_worker_scores_and_the_page_follows(marketer: Client, model: ScoreModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baton.web.pages.scoring_publish.AT_ONCE", 2)
    marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5", "active": "on"})
    marketer.post(f"/scoring/{model.key}/draft/publish/")
    page = marketer.get(f"/scoring/{model.key}/").content.decode()
    assert "being scored again" in page
    assert '<b class="num">30 points</b>' in page
    scoring.everyone(model)
    part = marketer.get(f"/scoring/{model.key}/?counts=1").content.decode()
    assert "being scored again" not in part
    assert '<b class="num">15 points</b>' in part


# A contact's score, and forms ---------------------------------------------------------


def test_points_are_given_by_hand_and_every_change_is_told(marketer: Client, model: ScoreModel) -> None:
    person = _id("둘")
    given = marketer.post(f"/contacts/{person}/score/points/", {"points": "7", "way": "give", "reason": "Met at the fair", "score": model.key})
    assert "7 points given" in given.headers["HX-Trigger"]
    assert '<b class="num">27</b>' in given.content.decode()
    marketer.post(f"/contacts/{person}/score/points/", {"points": "2", "way": "take", "reason": "Wrong number", "days": "30"})
    page = marketer.get(f"/contacts/{person}/score/").content.decode()
    assert total("둘") == 25
    changes = page.split('id="changes"')[1].split("</ol>")[0]
    assert "now 25" in changes
    assert "Given by hand" in changes
    assert f"version {model.version}" in changes
    assert "Met at the fair" in page
    assert "오세린" in page
    assert "Seniority" in changes  # the rule that gave the first 20
    for wrong in ({"points": "0", "reason": "x"}, {"points": "5", "reason": " "}, {"points": "5", "reason": "x", "days": "0"}):
        assert marketer.post(f"/contacts/{person}/score/points/", wrong).status_code == 422
    assert marketer.get(f"/contacts/{person}/score/?before=nonsense").status_code == 200
    record = marketer.get(f"/contacts/{person}/").content.decode()
    assert "Give or take points" in record
    assert "SQL · 25 or more" in record


def test_forms_are_rated_and_those_without_points_are_named(marketer: Client, seller: Client, model: ScoreModel) -> None:
    from baton.forms import verbs

    fields = [{"name": "email", "label": "E-mail", "type": "email"}]
    demo, paper = (verbs.create(name, {"fields": fields}, actor=SYSTEM) for name in ("Demo", "=Paper"))
    scores.define(model, "demo", "form", {"condition": "form_submitted", "form": demo.pk}, 50, actor=SYSTEM)
    scores.define(model, "late", "form", {"condition": "form_submitted", "tag": "late"}, 10, actor=SYSTEM)
    page = marketer.get("/scoring/forms/").content.decode()
    lines = {pk: page.split(f'id="form-{pk}"')[1].split("</tr>")[0] for pk in (demo.pk, paper.pk)}
    assert "+50" in lines[demo.pk]
    assert "no points yet" in lines[paper.pk]
    rated = marketer.post(f"/scoring/forms/{paper.pk}/", {"rating": "8", "position": "late"}).content.decode()
    assert "+10" in rated.split(f'id="form-{paper.pk}"')[1].split("</tr>")[0]  # by its tag
    assert marketer.post(f"/scoring/forms/{paper.pk}/", {"rating": "11", "position": "late"}).status_code == 422
    assert marketer.post(f"/scoring/forms/{paper.pk}/", {"rating": "", "position": "soon"}).status_code == 422
    assert "Task added" in marketer.post(f"/scoring/forms/{paper.pk}/task/").headers["HX-Trigger"]
    assert seller.post(f"/scoring/forms/{paper.pk}/", {"rating": "1"}).status_code == 403
    file = marketer.get("/scoring/forms/file/").content.decode()
    assert "'=Paper,8,Late" in file  # no formula for a spreadsheet


def test_letters_that_cannot_be_stored_are_refused(marketer: Client, model: ScoreModel) -> None:
    assert marketer.post(f"/scoring/{model.key}/groups/", {"do": "add", "label": "a\0b"}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/bands/", {"do": "add", "label": "a\0b", "at_least": "3"}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/rename/", {"name": "a\0b"}).status_code == 422
    marketer.post(f"/scoring/{model.key}/rules/exec/set/", {"points": "5"})
    assert marketer.post(f"/scoring/{model.key}/draft/review/", {"note": "a\0b"}).status_code == 422
    nul = {"condition": "property", "property": "jobtitle", "operator": "is", "value": "a\0b"}
    assert marketer.post(f"/scoring/{model.key}/rules/exec/", {"points": "5", "group": "web", "filter": json.dumps(nul)}).status_code == 422
    assert marketer.post(f"/scoring/{model.key}/back/", {"place": "0", "rule": '{"key": "x\\u0000"}'}).status_code == 422
    assert marketer.post(f"/contacts/{_id('둘')}/score/points/", {"points": "5", "reason": "a\0b"}).status_code == 422


def test_values_are_offered_of_contacts_one_may_see(model: ScoreModel) -> None:
    from baton.accounts import users
    from baton.accounts.models import Role

    records.create("contact", {"email": "secret@gaon.example"}, actor=SYSTEM, source="test")
    Role.objects.create(key="own", name="own", rights={"contact": {"view": "own"}}, areas={"scoring": "edit"})
    web = Client()
    web.force_login(users.create("seo@nuriwork.example", "서", "a-long-enough-one", "own", actor=SYSTEM))
    page = web.get(f"/scoring/{model.key}/values/?property=email")
    assert page.status_code == 200
    assert "secret@" not in page.content.decode()
