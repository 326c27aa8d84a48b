"""Stored values in words, for files and previews: labels of options and stages, names of colleagues, numbers of phones as people write them."""

from typing import Any

from django.utils.translation import get_language

from baton.accounts.models import User
from baton.crm import pipelines, properties, types, values
from baton.crm.models.property import PropertyDefinition, PropertyType


class Wording:
    """Says the values of one object type in the current language. Asks the database once, when it is made."""

    def __init__(self, object_type: str) -> None:
        self._known = properties.definitions(object_type)
        self._stage = types.get(object_type).stage_property
        self._pipelines: dict[str, str] = {}
        self._stages: dict[str, str] = {}
        if self._stage:
            for pipeline in pipelines.pipelines(object_type):
                self._pipelines[pipeline.key] = pipelines.label(pipeline)
                for stage in pipeline.stages_in_order:  # type: ignore[attr-defined]  # pipelines() puts it there
                    self._stages.setdefault(stage.key, pipelines.label(stage))
        self._users: dict[int, str] = dict(User.objects.values_list("pk", "name"))
        self._options = {name: _options(definition) for name, definition in self._known.items() if definition.options}
        self._home = (get_language() or "ko")[:2] == "ko"

    def text(self, name: str, value: Any) -> str:
        """One value; "" for none. Numbers and dates stay as they are, so that a worksheet can count with them."""
        if value is None:
            return ""
        if isinstance(value, list):
            return ";".join(self._options.get(name, {}).get(str(one), str(one)) for one in value)
        if name == self._stage:
            return self._stages.get(str(value), str(value))
        if name == "pipeline" and self._stage:
            return self._pipelines.get(str(value), str(value))
        definition = self._known.get(name)
        if definition is None:
            return str(value)
        if name in self._options:
            return self._options[name].get(str(value), str(value))
        if definition.type == PropertyType.USER:
            return self._users.get(int(value), str(value))
        if definition.type == PropertyType.PHONE:
            return values.phone_in_words(str(value), home=self._home)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)


def _options(definition: PropertyDefinition) -> dict[str, str]:
    return {option["value"]: properties.option_label(definition, option["value"]) for option in definition.options}


def raw(value: Any) -> str:
    """One value as it is stored: for files that programs read."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
