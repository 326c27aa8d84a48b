"""Scores to begin with. Their points are those the field's Korean guides give as examples; everybody changes them after some weeks.

Each is a card (see card.py) and works with any data: rules name properties, tags of content and addresses, never the number of a form.
"""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

Content = dict[str, Any]
Made = dict[str, Any]


def groups() -> list[Made]:
    """The usual groups, in the reader's language."""
    return [
        {"key": "fit_person", "label": _("Fit · person"), "side": "fit", "cap": None},
        {"key": "fit_company", "label": _("Fit · company"), "side": "fit", "cap": None},
        {"key": "form", "label": _("Engagement · forms"), "side": "engagement", "cap": None},
        {"key": "web", "label": _("Engagement · website"), "side": "engagement", "cap": None},
        {"key": "email", "label": _("Engagement · e-mail and events"), "side": "engagement", "cap": None},
        {"key": "minus", "label": _("Negative points and exclusions"), "side": "engagement", "cap": None},
    ]


def bands(mql: int, sql: int) -> list[Made]:
    """MQL and SQL."""
    return [{"key": "mql", "label": _("MQL"), "at_least": mql}, {"key": "sql", "label": _("SQL"), "at_least": sql}]


def blank(name: str, *, mql: int = 35, sql: int = 65) -> Content:
    """A score of contacts without rules."""
    return {"name": name, "object_type": "contact", "people": None, "groups": groups(), "bands": bands(mql, sql), "rules": []}


PRESETS: dict[str, Callable[[], Content]] = {"blank": lambda: blank(_("Lead score"))}
