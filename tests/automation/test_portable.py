"""A workflow as a file: written with names, read elsewhere, the same afterwards."""

from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account, Team, User
from baton.automation import graph, plain_yaml, portable, verbs
from baton.automation.step import Step, steps
from baton.automation.trigger import triggers
from baton.forms import verbs as forms
from baton.messaging.mail import emails
from baton.messaging.models import Email
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.segments import verbs as lists
from tests.examples import some

FIELDS = {"fields": [{"name": "email", "label": "E-mail", "type": "email"}]}
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=8)
    | st.sampled_from(["yes", "12:30", "2026-11-21", "1e5", "~", "a: b", "x\n y \n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def things() -> dict[str, list[Any]]:
    """One or two of each kind that a workflow may name; two mails share their name."""
    for name in ("kim", "오"):
        User.objects.create_user(f"{len(name)}@nuriwork.example", name=name)
    fixed = lists.create_segment("참석자", {}, "fixed", SYSTEM).pk
    active = lists.create_segment("유망: 12:30", {"condition": "property", "property": "city", "operator": "known"}, "active", SYSTEM).pk
    return {
        "email": [emails.create(name, SYSTEM, subject="s", body="b").pk for name in ("소개", "소개", "yes")],
        "form": [forms.create("문의", FIELDS, actor=SYSTEM).pk],
        "segment": [fixed, active],
        "user": list(User.objects.order_by("pk").values_list("pk", flat=True)),
        "team": [Team.objects.create(name="1").pk],
        "workflow": [verbs.create("다른 흐름", SYSTEM).pk],
    }


def filters(made: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    ids = {kind: st.sampled_from(found) for kind, found in made.items()}
    leaf = st.one_of(
        st.builds(lambda n: {"condition": "in_segment", "segment": n}, ids["segment"]),
        st.builds(lambda n: {"condition": "email_clicked", "email": n, "days": 7}, ids["email"]),
        st.builds(lambda n: {"condition": "event", "event": "email_open", "about": str(n)}, ids["email"]),
        st.builds(lambda n: {"condition": "property", "property": "owner_id", "operator": "any_of", "value": [str(n)]}, ids["user"]),
        st.just({"condition": "event", "event": "custom_event", "name": "signed_up"}),
        st.builds(lambda n: {"related": "deal", "filter": {"condition": "property", "property": "owner_id", "operator": "is", "value": str(n)}}, ids["user"]),
    )
    group = lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}) | inner.map(lambda one: {"not": one})  # noqa: E731
    return st.recursive(leaf, group, max_leaves=4)


def graphs(made: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Graphs of every kind of trigger and step there is, with numbers wherever a field asks for a thing."""

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        asked = filters(made)

        def fields(kind: Any) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for name, field in kind.inputs().items():
                if draw(st.booleans()):
                    one, many = portable.ONE.get(field.kind), portable.MANY.get(field.kind)
                    if one in made:
                        found[name] = draw(st.sampled_from(made[one]))
                    elif many:
                        found[name] = draw(st.lists(st.sampled_from(made[many]), unique=True, max_size=2))
                    elif field.kind == "filter":
                        found[name] = draw(asked)
            return found

        def ids() -> str:
            ids.last += 1  # type: ignore[attr-defined]
            return f"s{ids.last}"  # type: ignore[attr-defined]

        ids.last = 0  # type: ignore[attr-defined]

        def step(depth: int) -> dict[str, Any]:
            key = draw(st.sampled_from(sorted(key for key, kind in steps().items() if kind.target is Step.target)))
            item = {"type": key, "id": ids(), "name": draw(st.sampled_from(["", "이름: 하나"])), **fields(steps()[key])}
            if depth < 2 and (ways := steps()[key].labels):
                item["paths"] = [{"label": label, "steps": row(depth + 1)} for label, _name in ways]
            return item

        def row(depth: int) -> list[dict[str, Any]]:
            return [step(depth) for _ in range(draw(st.integers(0, 2 if depth else 3)))]

        def trigger(number: int) -> dict[str, Any]:
            key = draw(st.sampled_from(sorted(triggers())))
            return {"id": f"t{number}", "type": key, **fields(triggers()[key])}

        from baton.automation.settings import Settings

        return {"triggers": [trigger(n) for n in range(draw(st.integers(0, 2)))], "settings": fields(Settings), "steps": row(0)}

    return build()


def test_what_is_written_is_read_as_it_was(account: Account) -> None:
    made = things()

    @settings(max_examples=some(10), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(drawn=graphs(made), data=PLAIN)
    def round_trip(drawn: dict[str, Any], data: Any) -> None:
        assert plain_yaml.read(plain_yaml.write(data)) == data
        try:
            stored = graph.parse(drawn).stored()
        except Invalid:
            return  # fields that contradict each other
        text = plain_yaml.write(portable.document("흐름", stored))
        assert portable.numbers(portable.read(text)) == stored, text

    round_trip()


def test_it_goes_to_a_baton_where_the_numbers_are_others(account: Account) -> None:
    first = emails.create("서비스 소개", SYSTEM, subject="s", body="b")
    draft = {
        "triggers": [{"type": "form_submitted", "form": forms.create("문의", FIELDS, actor=SYSTEM).pk}],
        "settings": {"again": "never", "suppress": [lists.create_segment("경쟁사", {}, "fixed", SYSTEM).pk]},
        "steps": [{"id": "s1", "type": "send_email", "email": first.pk}, {"id": "s2", "type": "wait", "days": 7}],
    }
    workflow = verbs.create("문의 후속", SYSTEM, draft, description="문의한 사람에게\n두 번 보낸다")
    text = portable.export(workflow)
    assert "email: 서비스 소개\n" in text
    assert "form: 문의\n" in text
    assert "again: never\n" in text
    first.archived_at = workflow.created_at
    first.save()
    with translation.override("en"), pytest.raises(Invalid, match=r"^steps\[0\].email: There is no e-mail “서비스 소개” here\."):
        portable.load(text, SYSTEM)
    second = Email.objects.create(name="서비스 소개", subject="s", body="b")
    again = portable.load(text, SYSTEM)
    assert (again.name, again.description, again.state) == ("문의 후속 2", "문의한 사람에게\n두 번 보낸다", "draft")
    assert again.draft["steps"][0]["email"] == second.pk
    assert again.draft["settings"] == workflow.draft["settings"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x", "baton: This is no workflow"),
        ("baton: workflow/1\nname: x\nsteps: &a [*a]", "not YAML"),
        ("baton: workflow/1\nname: x\nname: y", "twice"),
        ("baton: workflow/1\nname: x\nsecrets: 1", "secrets: There is no such field"),
        ("baton: workflow/1\nname: x\nobject_type: moon", "object_type: There is no object type moon"),
        ("baton: workflow/1\nname: x\nsteps: [{id: s1, type: send_email, email: 7}]", r"steps\[0\].email: Expected a name"),
        ("baton: workflow/1\nname: x\nsteps: [{id: s1, type: fly}]", r"steps\[0\].type: Expected one of"),
        ("baton: workflow/1\nname: x\nsteps: [{id: s1, type: set_property, property: moon}]", r"steps\[0\].property: There is no property moon"),
        (
            "baton: workflow/1\nname: x\nsteps: [{id: s1, type: branch, filter: {all: [{condition: in_segment, segment: 달}]}}]",
            r"steps\[0\].filter.all\[0\].segment: There is no list “달” here",
        ),
        ("baton: workflow/1\nname: x\nsteps: [{id: s1, type: send_email, email: 둘}]", r"steps\[0\].email: Several are called “둘”: say which"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(account: Account, text: str, said: str) -> None:
    for _ in range(2):
        emails.create("둘", SYSTEM, subject="s", body="b")
    with translation.override("en"), pytest.raises(Invalid, match=said):
        portable.load(text, SYSTEM)
