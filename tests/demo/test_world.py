"""The sample company: the same every time, and nothing in it contradicts what the real functions find."""

import json
import random
from datetime import UTC, datetime

import pytest

from baton.analytics import form_report, form_trial
from baton.automation.models import Workflow
from baton.crm import contacts
from baton.crm.models import Contact
from baton.demo import people, world
from baton.events.vocabulary import Kind
from baton.forms import shown
from baton.forms.models import Form, FormSplit, Quarantine
from baton.messaging.mail import render
from baton.messaging.models import Email
from baton.platform import clock, sql
from baton.segments import company_scores, lifecycle, pauses, recycle, refresh, scoring, sizes, verdicts
from baton.segments.models import Backtest, ScoreModel, Segment, Verdict
from tests.crm.test_ledger import balance, real

NOW = datetime(2026, 11, 20, 5, 32, tzinfo=UTC)


def test_the_same_seed_and_moment_give_the_same_people() -> None:
    def invent() -> list[people.Person]:
        rng = random.Random(world.SEED)
        return people.people(rng, 200, people.companies(rng, 20, NOW), NOW)

    assert invent() == invent()


def test_addresses_and_company_names_are_unique_and_nobodys() -> None:
    rng = random.Random(1)
    firms = people.companies(rng, 1200, NOW)
    persons = people.people(rng, 3000, firms, NOW)
    assert len({f.name for f in firms}) == len(firms)
    assert len({p.email for p in persons}) == len(persons)
    assert all(p.email.endswith(".example") for p in persons)


@pytest.mark.usefixtures("loaded")
def test_everything_in_the_world_is_a_real_result() -> None:
    model = ScoreModel.objects.get(key="lead")
    assert model.rules.count() == 26
    assert Contact.objects.count() == 300
    assert sql.rows("SELECT count(*) FROM change") == [(0,)], "nobody is enrolled for what happened long ago"

    # evaluated again, nothing moves, but what only time moves
    assert model.evaluated_at
    with clock.stopped(model.evaluated_at):
        assert scoring.everyone(model) == 0
        assert company_scores.everyone(ScoreModel.objects.get(key="company")) == 0
    assert lifecycle.everyone() == 0
    assert verdicts.settle(Contact.objects.values_list("id", flat=True)) == 0
    assert pauses.look() == 0
    assert balance(clock.now()) == real()
    told = "SELECT count(*) FROM booking b WHERE NOT EXISTS (SELECT 1 FROM event e WHERE (e.contact_id, e.ts, e.id, e.kind) = (b.contact_id, b.at, b.id, %s))"
    assert sql.rows(told, [int(Kind.STAGE_CHANGED)]) == [(0,)]
    sizes.count_all()
    assert sql.rows("SELECT count(*) FROM segment_day d WHERE d.members < d.joined OR d.departed <> 0") == [(0,)]
    for segment in Segment.objects.filter(kind="active"):
        moved = refresh.everyone(segment)
        assert (moved.joined, moved.left) == ([], []), segment.name

    # the dated points of everybody add up to his score
    different = sql.rows(
        "SELECT s.contact_id, s.total, p.points FROM score s LEFT JOIN"
        " (SELECT contact_id, sum(value) AS points FROM event WHERE kind = %s GROUP BY contact_id) p"
        " ON p.contact_id = s.contact_id WHERE s.total <> coalesce(p.points, 0)",
        [int(Kind.SCORE_CHANGED)],
    )
    assert different == []
    # every mail that was opened or clicked had been sent to this very contact
    assert sql.rows(
        "SELECT count(*) FROM event e WHERE e.kind IN (11, 12) AND NOT EXISTS"
        " (SELECT 1 FROM message m WHERE m.contact_id = e.contact_id AND m.id = (e.payload ->> 'message')::bigint AND m.sent_at <= e.ts)"
    ) == [(0,)]
    assert sql.rows("SELECT count(*) FROM event WHERE ts > now()") == [(0,)]


@pytest.mark.usefixtures("loaded")
def test_most_are_cold_and_the_hero_is_an_sql() -> None:
    histogram = scoring.histogram(ScoreModel.objects.get(key="lead"))
    assert histogram.band("") / histogram.total > 0.55
    assert 0.05 < histogram.band("sql") / histogram.total < 0.25
    hero = Contact.objects.get(email="jiwoo.seo@gaonlogis.example")
    assert contacts.display_name(hero.properties) == "서지우"
    assert hero.properties["lifecyclestage"] == "sql"
    story = sql.rows("SELECT kind, ts, payload FROM event WHERE contact_id = %s ORDER BY ts", [hero.id])
    known = next(ts for kind, ts, _ in story if kind == Kind.IDENTIFIED)
    assert sum(kind == Kind.PAGE_VIEW and ts < known for kind, ts, _ in story) == 7
    moves = [json.loads(payload)["to"] for kind, _, payload in story if kind == Kind.STAGE_CHANGED]
    assert (moves[0], moves[-1]) == ("lead", "sql")


@pytest.mark.usefixtures("loaded")
def test_mails_and_workflows_are_ready_to_run() -> None:
    some = list(Contact.objects.values_list("id", flat=True)[:3])
    for email in Email.objects.all():
        for rendered in render.mail(email, some):
            assert not rendered.problem
            assert "{{" not in rendered.html
    assert {w.state for w in Workflow.objects.all()} == {"on"}
    waiting = sql.rows("SELECT count(*) FROM timer t WHERE NOT EXISTS (SELECT 1 FROM enrollment e WHERE e.id = t.enrollment_id AND e.state = 'active')")
    assert waiting == [(0,)]
    for workflow in Workflow.objects.all():  # what the canvas says is what the rows say
        steps = sql.rows("SELECT step, outcome, count(*) FROM step_run WHERE workflow_id = %s GROUP BY step, outcome", [workflow.pk])
        runs = sql.rows("SELECT '', state, count(*) FROM enrollment WHERE workflow_id = %s GROUP BY state", [workflow.pk])
        enrolled = sql.rows("SELECT trigger, 'enrolled', count(*) FROM enrollment WHERE workflow_id = %s GROUP BY trigger", [workflow.pk])
        told = sql.rows("SELECT step, outcome, sum(n)::bigint FROM workflow_tally WHERE workflow_id = %s GROUP BY step, outcome", [workflow.pk])
        assert sorted(told) == sorted([*steps, *runs, *enrolled]) != []
    outcomes = dict(sql.rows("SELECT outcome, count(*) FROM step_run WHERE step = 's3' GROUP BY outcome"))
    assert outcomes["met"] > 0 < outcomes["timeout"]


@pytest.mark.usefixtures("loaded")
def test_the_links_of_mails_follow_the_address() -> None:
    world.follow("http://127.0.0.1:9999")
    assert all("http://127.0.0.1:9999/site/" in e.body for e in Email.objects.all())


@pytest.mark.usefixtures("loaded")
def test_sales_has_said_something_of_leads_and_every_word_has_its_effects() -> None:
    model = ScoreModel.objects.get(key="lead")
    assert [(v.number, v.state) for v in model.versions.order_by("number")] == [(1, "replaced"), (2, "replaced"), (3, "replaced"), (4, "published")]
    assert model.versions.filter(number__gt=1, reviewed_by="").count() == 0
    given = dict(sql.rows("SELECT verdict, count(*) FROM verdict GROUP BY verdict"))
    assert given.keys() >= {"ready", "not_ready", "unqualified"}
    keys = {rule.key for rule in model.rules.all()} | {"ledger", "cap:web", "cap:email"}
    for verdict in Verdict.objects.all():
        assert verdict.reasons.keys() <= keys
        assert sum(points for _times, points in verdict.reasons.values()) == verdict.score
    # who was sent back stands below the SQL threshold, and who is unqualified is a subscriber
    assert sql.rows(
        "SELECT count(*) FROM contact c JOIN score s ON s.contact_id = c.id AND s.model_id = %s"
        " WHERE c.properties ->> 'sales_verdict' = 'not_ready' AND (s.total >= 65 OR c.properties ->> 'lifecyclestage' <> 'mql')",
        [model.pk],
    ) == [(0,)]
    assert {c.properties["lifecyclestage"] for c in Contact.objects.filter(properties__sales_verdict="unqualified")} == {"subscriber"}
    assert recycle.counts(None).paused == Contact.objects.filter(properties__has_key="paused_until").count() > 0
    # nobody got a mail while he rested that he did not open later
    assert sql.rows(
        "SELECT count(*) FROM message m JOIN pause p ON p.contact_id = m.contact_id WHERE m.state = 'sent' AND m.created_at > p.at AND p.ended_at IS NULL"
    ) == [(0,)]
    (test,) = Backtest.objects.all()
    assert test.state == "done"
    assert test.result["counts"]["won"] > 0


@pytest.mark.usefixtures("loaded")
def test_forms_were_seen_begun_and_left_and_programs_stand_beside_people() -> None:
    forms = {form.name: form for form in Form.objects.all()}
    for form in forms.values():
        report = form_report.of(form, 90)
        assert report.sums.saw >= report.sums.began >= report.sums.converted > 0, form.name
        assert report.fields, form.name
        assert report.sums.elsewhere == 0
    few = form_trial.of(FormSplit.objects.get(form_id=forms["뉴스레터 구독"].pk))
    assert (few.better, few.why) == (None, "few")
    drawn = sql.rows(
        "SELECT s.split_id, s.version, i.value FROM form_submission s JOIN identity i ON i.contact_id = s.contact_id AND i.kind = 'cookie'"
        " WHERE s.split_id IS NOT NULL"
    )
    tests = {test.pk: test for test in FormSplit.objects.all()}
    assert drawn
    assert all(version == (tests[test].b if shown.lot(tests[test], cookie) else tests[test].a) for test, version, cookie in drawn)
    hits = dict(sql.rows("SELECT payload ? 'machine', count(*) FROM event WHERE kind IN (11, 12) AND payload ? 'human' GROUP BY 1"))
    assert hits[True] > 0
    assert hits[False] > 0
    met = Contact.objects.filter(properties__original_source="offline", properties__original_source_2="2026 HR 박람회").count()
    assert met >= 3
    assert Quarantine.objects.count() == 5
    kinds = {kind for (kind,) in sql.rows("SELECT DISTINCT kind FROM event")}
    assert kinds >= {Kind.ATTENDED, Kind.PAGE_SCROLL, Kind.VIDEO_WATCHED, Kind.LINK_CLICK}
