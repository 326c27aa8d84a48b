"""Property definitions: the built-in ones, one's own, and checking a whole set of values."""

import pytest
from django.db import connection
from django.utils import translation

from baton.accounts import users
from baton.crm import builtin, formulas, pipelines, properties, records, types
from baton.crm.models import ObjectType, PropertyDefinition, Stage
from baton.crm.models.property import PropertyType
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db


def codes(error: Invalid) -> dict[str, str]:
    return {problem.path: problem.code for problem in error.problems}


def test_every_builtin_property_has_a_known_type_and_is_made_once() -> None:
    builtin.ensure()
    builtin.ensure()
    assert set(ObjectType.objects.values_list("key", flat=True)) == set(builtin.KINDS)
    for object_type, kind in builtin.KINDS.items():
        found = properties.definitions(object_type)
        assert [row[0] for row in kind.properties] == [name for name in found if found[name].builtin]
        assert {row[2] for row in kind.properties} <= set(PropertyType.values)
        assert {row[3] for row in kind.properties} <= set(kind.groups)
        assert {*kind.searchable, *kind.secondary, kind.primary} <= set(found)
    assert next(stage.key for stage in Stage.objects.filter(pipeline__object_type="deal")) == "appointmentscheduled"
    assert [stage.key for stage in Stage.objects.filter(pipeline__object_type="ticket", pipeline__key="0")] == ["1", "2", "3", "4"]


def test_what_people_changed_stays_when_the_builtin_ones_are_ensured_again() -> None:
    PropertyDefinition.objects.filter(object_type="contact", name="industry").update(label="Branche")
    builtin.ensure()
    assert properties.definitions("contact")["industry"].label == "Branche"


def test_an_unknown_object_type_is_not_found() -> None:
    with pytest.raises(NotFound):
        properties.definitions("spaceship")


def test_it_cleans_a_whole_set_and_tells_every_fault() -> None:
    assert properties.clean("contact", {"email": " A@X.example", "numberofemployees": "12", "phone": "", "city": None}) == {
        "email": "a@x.example",
        "numberofemployees": 12,
        "phone": None,
        "city": None,
    }
    with pytest.raises(Invalid) as error:
        properties.clean("contact", {"email": "x", "nonsense": 1, "numberofemployees": "many", "city": "서울"})
    assert codes(error.value) == {
        "properties.email": "INVALID_EMAIL",
        "properties.nonsense": "PROPERTY_DOESNT_EXIST",
        "properties.numberofemployees": "INVALID_NUMBER",
    }


def test_a_user_property_names_a_user() -> None:
    user = users.create("han@nuriwork.example", "한도윤", "long-enough-4u", "sales", actor=SYSTEM)
    assert properties.clean("contact", {"owner_id": str(user.pk)}) == {"owner_id": user.pk}
    with pytest.raises(Invalid) as error:
        properties.clean("contact", {"owner_id": "999999"})
    assert codes(error.value) == {"properties.owner_id": "INVALID_USER"}


def test_a_property_of_ones_own_is_usable_at_once(actor: Actor) -> None:
    properties.definitions("contact")  # known before
    properties.define("contact", "plan", "요금제", "choice", actor=actor, options=[{"value": "pro", "label": "Pro"}])
    assert properties.clean("contact", {"plan": "pro"}) == {"plan": "pro"}


def test_required_values_must_be_there_and_stay(actor: Actor) -> None:
    properties.define("company", "code", "Code", "text", actor=actor, required=True)
    assert properties.clean("company", {"name": "x"}) == {"name": "x"}
    for raw, partial in (({"name": "x"}, False), ({"code": ""}, True), ({"code": " "}, False)):
        with pytest.raises(Invalid) as error:
            properties.clean("company", raw, partial=partial)
        assert codes(error.value) == {"properties.code": "REQUIRED"}


def test_values_set_by_baton_cannot_be_written(actor: Actor) -> None:
    made = properties.define("contact", "machine", "Machine", "text", actor=actor)
    PropertyDefinition.objects.filter(pk=made.pk).update(read_only=True)
    properties.forget()
    with pytest.raises(Invalid) as error:
        properties.clean("contact", {"machine": "x"})
    assert codes(error.value) == {"properties.machine": "READ_ONLY"}


@pytest.mark.parametrize(
    ("name", "label", "type", "options", "path"),
    [
        ("Big", "x", "text", None, "name"),
        ("1st", "x", "text", None, "name"),
        ("a b", "x", "text", None, "name"),
        ("ok", " ", "text", None, "label"),
        ("ok", "x", "colour", None, "type"),
        ("ok", "x", "choice", None, "options"),
        ("ok", "x", "text", [{"value": "a", "label": "A"}], "options"),
        ("ok", "x", "choice", [{"value": "a;b", "label": "A"}], "options.0"),
        ("ok", "x", "choice", [{"value": "a", "label": "A"}, {"value": "a", "label": "B"}], "options.1"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(actor: Actor, name: str, label: str, type: str, options: list[dict[str, str]] | None, path: str) -> None:
    with pytest.raises(Invalid) as error:
        properties.define("contact", name, label, type, actor=actor, options=options)
    assert path in codes(error.value)
    assert "ok" not in properties.definitions("contact")


def test_a_name_is_taken_once(actor: Actor) -> None:
    with pytest.raises(Conflict):
        properties.define("contact", "email", "E-mail", "text", actor=actor)


def test_definitions_are_asked_for_once_a_second(django_assert_num_queries: object) -> None:
    properties.forget()
    properties.definitions("contact")
    with django_assert_num_queries(0):  # type: ignore[operator]
        properties.definitions("contact")


def test_a_definition_of_another_process_is_known_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    properties.forget()
    assert "elsewhere" not in properties.definitions("contact")
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO property_definition (object_type_id, name, label, type, "group", options, required, unique_value, read_only, builtin,'
            " position, description, field_type, hidden, form_field, formula, indexed, created_at, updated_at)"
            " VALUES ('contact', 'elsewhere', 'x', 'text', 'basic', '[]', false, false, false, false, 99, '', '', false, true, '', false, now(), now())"
        )
    assert "elsewhere" not in properties.definitions("contact")
    monkeypatch.setattr(properties, "FRESH", 0.0)
    assert "elsewhere" in properties.definitions("contact")
    properties.forget()


def test_labels_follow_the_language() -> None:
    definition = properties.definitions("contact")["seniority"]
    with translation.override("en"):
        assert properties.label(definition) == "Seniority"
        assert properties.option_label(definition, "exec") == "Executive"
        assert properties.option_label(definition, "gone") == "gone"


def test_a_calculated_property_is_worked_out_with_every_write(actor: Actor) -> None:
    properties.define("company", "seats", "Seats", "number", actor=actor)
    properties.define("company", "price", "Price", "number", actor=actor)
    properties.define("company", "worth", "Worth", "number", actor=actor, formula="seats * price * 12")
    id = records.create("company", {"name": "x", "seats": 10}, actor=actor, source="api")
    assert records.get("company", id).properties["worth"] == 0
    records.update("company", id, {"price": 5}, actor=actor, source="api")
    assert records.get("company", id).properties["worth"] == 600
    with pytest.raises(Invalid) as error:
        records.update("company", id, {"worth": 1}, actor=actor, source="api")
    assert codes(error.value) == {"properties.worth": "READ_ONLY"}
    for wrong in ("seats *", "__import__('os')", "name + 1", "worth + 1", "seats ** 9", "1 if seats else 2"):
        with pytest.raises(Invalid) as error:
            properties.change("company", "worth", actor=actor, formula=wrong)
        assert "formula" in codes(error.value)
    with pytest.raises(Conflict):
        properties.archive("company", "seats", actor=actor)


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        ("a + b * 2", {"a": 1, "b": 2}, 5),
        ("a / b", {"a": 1, "b": 0}, None),
        ("(a - b) * (1 - c / 100)", {"a": 100, "c": 20}, 80),
        ("max(a, b)", {"a": 1, "b": 7}, 7),
        ("round(a / 3)", {"a": 10}, 3),
        ("a * b", {}, None),
        ("-a", {"a": 0.5}, -0.5),
    ],
)
def test_formulas(formula: str, values: dict[str, float], expected: float | None) -> None:
    assert formulas.result(formula, values) == expected


def test_an_option_that_records_have_is_archived_rather_than_lost(actor: Actor) -> None:
    options = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}, {"value": "c", "label": "C"}]
    properties.define("contact", "plan", "Plan", "choice", actor=actor, options=options)
    id = records.create("contact", {"plan": "a"}, actor=actor, source="api")
    properties.change("contact", "plan", actor=actor, options=[{"value": "c", "label": "See"}])
    definition = properties.definitions("contact")["plan"]
    assert [(o["value"], o.get("archived", False)) for o in definition.options] == [("c", False), ("a", True)]
    assert records.get("contact", id).properties["plan"] == "a"
    with pytest.raises(Invalid):
        records.create("contact", {"plan": "a"}, actor=actor, source="api")


def test_an_archived_property_is_out_of_sight_and_comes_back_with_its_values(actor: Actor) -> None:
    properties.define("contact", "plan", "Plan", "text", actor=actor)
    id = records.create("contact", {"plan": "a"}, actor=actor, source="api")
    properties.archive("contact", "plan", actor=actor)
    assert "plan" not in properties.definitions("contact")
    with pytest.raises(Invalid):
        records.update("contact", id, {"plan": "b"}, actor=actor, source="api")
    properties.restore("contact", "plan", actor=actor)
    assert records.get("contact", id).properties["plan"] == "a"
    with pytest.raises(Conflict):
        properties.archive("contact", "email", actor=actor)


def test_groups_hold_properties(actor: Actor) -> None:
    properties.define_group("contact", "plans", "Plans", actor=actor)
    properties.define("contact", "plan", "Plan", "text", actor=actor, group="plans")
    with pytest.raises(Conflict):
        properties.archive_group("contact", "plans", actor=actor)
    properties.change("contact", "plan", actor=actor, group="basic")
    properties.archive_group("contact", "plans", actor=actor)
    with pytest.raises(Invalid) as error:
        properties.change("contact", "plan", actor=actor, group="plans")
    assert codes(error.value) == {"group": "INVALID_OPTION"}


def test_an_object_type_of_ones_own_is_usable_at_once(actor: Actor) -> None:
    rows = [{"name": "title", "label": "제목"}, {"name": "seats", "label": "좌석", "type": "number"}]
    made = types.define("contract", "계약", "계약", actor=actor, pipelines=True, properties=rows, primary_property="title")
    pipelines.define("contract", "계약 진행", [{"label": "초안"}, {"label": "서명", "closed": True}], actor=actor)
    id = records.create("contract", {"title": "누리워크 2027", "seats": "30"}, actor=actor, source="api")
    assert records.get("contract", id).properties == {"title": "누리워크 2027", "seats": 30, "pipeline": "1", "stage": "1"}
    assert {types.resolve(word) for word in ("contract", "Contracts", made.type_id, "p_contract", "p7_contract")} == {types.get("contract")}
    assert types.title("contract", {"title": "누리워크 2027"}) == "누리워크 2027"
    with pytest.raises(Conflict):
        types.define("contract", "x", "x", actor=actor)
    with pytest.raises(Conflict):
        types.archive("contract", actor=actor)
    records.archive("contract", id, actor=actor)
    types.archive("contract", actor=actor)
    with pytest.raises(NotFound):
        types.get("contract")
