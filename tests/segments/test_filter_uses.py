"""What a list, a score, a stage or a workflow asks for is not put aside under it: whoever tries is told who needs it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import translation

from baton.automation import verbs as workflows
from baton.crm import pipelines, properties, uses
from baton.crm.models import LifecycleStage
from baton.crm.uses import Mention
from baton.events import own
from baton.forms import verbs as forms
from baton.platform.actor import SYSTEM
from baton.platform.errors import Conflict
from baton.segments import cards, mentions, presets, verbs
from tests.segments import scores

if TYPE_CHECKING:
    from tests.segments.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def refused(run: Callable[[], object]) -> str:
    """The reason of a refusal."""
    with pytest.raises(Conflict) as caught:
        run()
    return str(caught.value)


def shoe(operator: str = "known", value: Any = None) -> dict[str, Any]:
    return {"condition": "property", "property": "shoe", "operator": operator, **({} if value is None else {"value": value})}


def test_a_property_is_needed_by_lists_rules_drafts_stages_and_workflows(world: "World") -> None:
    properties.define("contact", "shoe", "Shoe", "text", actor=SYSTEM)
    model = scores.create("Lead score")
    assert uses.of(Mention("property", "contact.shoe")) == []
    shod = verbs.create_segment("Shod", {"not": {"any": [shoe()]}}, "active", SYSTEM)
    scores.define(model, "boots", "web", shoe("is", "boots"), 5)
    cards.put_rule(model, {"key": "clogs", "group": "web", "filter": shoe("is", "clogs"), "points": 5, "kind": "state"}, actor=SYSTEM)
    LifecycleStage.objects.filter(key="mql").update(rule={"mode": "filter", "filter": {"all": [shoe()]}})
    draft = {"triggers": [{"type": "form_submitted"}], "steps": [{"id": "a", "type": "set_property", "property": "shoe", "value": "boots"}]}
    workflow = workflows.create("Cobbler", SYSTEM)
    type(workflow).objects.filter(pk=workflow.pk).update(draft=draft)
    text = refused(lambda: properties.archive("contact", "shoe", actor=SYSTEM))
    for name in ("“Shoe” is used by", "Shod", "Lead score · boots", "Lead score · clogs (draft)", "lifecycle stage MQL", "Cobbler"):
        assert name in text
    verbs.archive_segment(shod, actor=SYSTEM)
    assert "Shod" not in refused(lambda: properties.archive("contact", "shoe", actor=SYSTEM))


def test_options_and_stages_of_pipelines(world: "World") -> None:
    options = [{"value": value, "label": value.upper()} for value in ("a", "b", "c")]
    properties.define("company", "tier", "Tier", "choice", options=options, actor=SYSTEM)
    stored = {"related": "company", "filter": {"condition": "property", "property": "tier", "operator": "any_of", "value": ["a", "b"]}}
    verbs.create_segment("Best firms", stored, "active", SYSTEM)
    assert refused(lambda: properties.change("company", "tier", options=options[1:], actor=SYSTEM)) == "“A” is used by: Best firms"
    hidden = [{**options[0], "archived": True}, *options[1:]]
    assert "Best firms" in refused(lambda: properties.change("company", "tier", options=hidden, actor=SYSTEM))
    properties.change("company", "tier", options=[{**options[0], "label": "Alpha"}, options[1]], actor=SYSTEM)
    way = pipelines.pipelines("deal")[0]
    first = next(iter(pipelines.stages("deal")[way.key]))
    deal = {"related": "deal", "filter": {"condition": "property", "property": "dealstage", "operator": "is", "value": first.key}}
    verbs.create_segment("Early deals", deal, "active", SYSTEM)
    assert "Early deals" in refused(lambda: pipelines.archive_stage("deal", way.key, first.key, actor=SYSTEM))


def test_forms_events_and_bands(world: "World") -> None:
    form = forms.create("Demo", {"fields": [{"name": "email", "label": "E-mail", "type": "email", "required": True}]}, actor=SYSTEM, publish=True)
    own.define("Order", name="order", actor=SYSTEM)
    model = scores.create("Lead score")
    verbs.create_segment("Answered", {"all": [{"condition": "form_submitted", "form": form.pk, "days": 3}]}, "active", SYSTEM)
    verbs.create_segment("Bought", {"condition": "event", "event": "custom_event", "name": "order"}, "active", SYSTEM)
    verbs.create_segment("Hot", {"condition": "score", "band": "sql"}, "active", SYSTEM)
    LifecycleStage.objects.filter(key="mql").update(rule={"mode": "score", "model": model.key, "band": "mql"})
    assert refused(lambda: forms.archive(form, actor=SYSTEM)) == "“Demo” is used by: Answered"
    assert refused(lambda: own.archive("order", actor=SYSTEM)) == "“Order” is used by: Bought"
    cards.save(model, cards.current(model).to_json() | {"bands": presets.bands(35, 65)[:1]}, actor=SYSTEM)
    assert refused(lambda: cards.publish(model, actor=SYSTEM)) == "“SQL” is used by: Hot, lifecycle stage SQL"
    cards.save(model, cards.current(model).to_json() | {"bands": presets.bands(35, 65)[1:]}, actor=SYSTEM)
    assert refused(lambda: cards.publish(model, actor=SYSTEM)) == "“MQL” is used by: lifecycle stage MQL"


def test_a_filter_names_what_it_would_be_broken_without() -> None:
    stored = {
        "all": [
            {"related": "deal", "filter": {"condition": "property", "property": "size", "operator": "is", "value": "big"}},
            {"not": {"condition": "email_opened", "email": 7}},
            {"any": [{"condition": "stage", "stages": ["mql"]}, {"condition": "in_segment", "segment": 3}, {"condition": "horoscope"}]},
            {"condition": "event", "event": "form_submission", "about": "4"},
            {"condition": "company_property", "property": "city", "operator": "known"},
        ]
    }
    assert set(mentions.things(stored)) == {
        Mention("property", "deal.size"),
        Mention("option", "deal.size", "big"),
        Mention("email", "7"),
        Mention("option", "contact.lifecyclestage", "mql"),
        Mention("segment", "3"),
        Mention("form", "4"),
        Mention("property", "company.city"),
    }
