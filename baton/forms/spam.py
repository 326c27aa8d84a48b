"""What tells a robot's answer from a person's."""

from collections.abc import Mapping
from typing import Any

TRAP = "baton_homepage"  # a field that people do not see; robots fill in everything


def is_spam(values: Mapping[str, Any]) -> bool:
    """Whether the field nobody sees was filled in. The sender is thanked as usual and learns nothing."""
    return bool(values.get(TRAP))
