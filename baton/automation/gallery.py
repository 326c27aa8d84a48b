"""Workflows to begin with, in templates/*.yaml: each is a workflow in the form of portable.py and what it brings along, in Korean and English.

    baton: template/1
    name: {ko: 문의 후 5단계 육성, en: Five-step nurture}
    description: {ko: …, en: …}
    decide: {"steps[0].team": {ko: …, en: …}}       what only people can fill in before it is published
    brings: {emails: …, forms: …, lists: …, events: …, properties: …, pipelines: …}   see brought.py
    object_type, triggers, settings, steps          as in portable.py; things that come along are named by their key in `brings`

Making one switches nothing on: the workflow is a draft, forms are not public, nobody is enrolled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.automation import brought, names, plain_yaml, portable, verbs
from baton.automation.models import Workflow
from baton.automation.names import Names
from baton.platform.actor import Actor
from baton.platform.errors import NotFound

FOLDER = Path(__file__).parent / "templates"
FORMAT = "template/1"
LANGUAGES = ("ko", "en")
# The order in which they are offered: from the first step on one's own to whole journeys.
ORDER = (
    "auto_reply", "five_step_nurture", "mql_nurture", "sql_handover", "seminar", "customer_onboarding", "recycle_wake_up", "next_best_content",
    "long_nurture", "b2b_journey", "shop_journey",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """One template; texts by language."""

    key: str
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    object_type: str
    brings: Mapping[str, int]  # kind of thing -> how many come along
    decide: Mapping[str, Mapping[str, str]]  # path in the graph -> what people must fill in there
    content: Mapping[str, Any]

    def name(self, language: str) -> str:
        return self.names.get(language) or self.names["en"]

    def description(self, language: str) -> str:
        return self.descriptions.get(language) or self.descriptions["en"]


def all() -> list[Template]:
    """The templates in the order in which they are offered."""
    return list(_read().values())


def get(key: str) -> Template:
    """Raises NotFound."""
    found = _read().get(key)
    if found is None:
        raise NotFound(_("There is no such template."))
    return found


def make(key: str, actor: Actor, language: str = "ko") -> Workflow:
    """A new draft with everything it needs, under names that are free; what only people can decide is left empty. Raises NotFound, Invalid."""
    template = get(key)
    said = spoken(template.content, language if language in LANGUAGES else "en")
    with transaction.atomic():
        made = brought.make(said.get("brings") or {}, actor, template.name(language), language)
        stored = portable.numbers(said, made)
        called = names.free(template.name(language), Names().taken("workflow"))
        return verbs.create(called, actor, stored, object_type=template.object_type, description=template.description(language))


def spoken(value: Any, language: str) -> Any:
    """The template in one language: every {ko: …, en: …} becomes what it says there."""
    match value:
        case {"ko": said, "en": other} if len(value) == 2:
            return spoken(said if language == "ko" else other, language)
        case dict():
            return {key: spoken(one, language) for key, one in value.items()}
        case list():
            return [spoken(one, language) for one in value]
    return value


@cache
def _read() -> dict[str, Template]:
    found = {}
    for key in (*ORDER, *sorted({path.stem for path in FOLDER.glob("*.yaml")} - set(ORDER))):
        content = plain_yaml.read((FOLDER / f"{key}.yaml").read_text(encoding="utf-8"))
        if content.get("baton") != FORMAT:
            raise ValueError(f"{key}.yaml does not begin with baton: {FORMAT}")
        brings = {kind: len(things) for kind, things in (content.get("brings") or {}).items()}
        found[key] = Template(
            key, content["name"], content["description"], content.get("object_type", "contact"), brings, content.get("decide") or {}, content
        )  # fmt: skip
    return found
