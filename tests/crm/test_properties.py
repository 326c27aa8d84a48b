"""Property definitions: the built-in ones, one's own, and checking a whole set of values."""

import pytest
from django.db import connection
from django.utils import translation

from baton.accounts import users
from baton.crm import builtin, properties
from baton.crm.models import ObjectType, PropertyDefinition, Stage
from baton.crm.models.property import PropertyType
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db


def codes(error: Invalid) -> dict[str, str]:
    return {problem.path: problem.code for problem in error.problems}


def test_every_builtin_property_has_a_known_type_and_is_made_once() -> None:
    builtin.ensure()
    builtin.ensure()
    assert set(ObjectType.objects.values_list("key", flat=True)) == set(builtin.OBJECT_TYPES)
    for object_type, rows in builtin.PROPERTIES.items():
        found = properties.definitions(object_type)
        assert [row[0] for row in rows] == [name for name in found if found[name].builtin]
        assert {row[2] for row in rows} <= set(PropertyType.values)
    assert Stage.objects.filter(pipeline__object_type="deal").count() == 6


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


def test_a_user_property_names_a_user(actor: Actor) -> None:
    user = users.create("han@nuriwork.example", "한도윤", "long-enough-4u", "sales", actor=actor)
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
            'INSERT INTO property_definition (object_type_id, name, label, type, "group", options, required, unique_value, read_only, builtin, position)'
            " VALUES ('contact', 'elsewhere', 'x', 'text', 'basic', '[]', false, false, false, false, 99)"
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
