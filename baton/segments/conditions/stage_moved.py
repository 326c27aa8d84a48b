"""`moved from lead to MQL by the fast pass in the last 30 days`"""

from collections.abc import Iterable
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from baton.crm.uses import Mention
from baton.events.vocabulary import Kind
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.nodes import EventTest, KeyTest, Node
from baton.segments.condition import Happened, Text, check_options
from baton.segments.conditions.stage import PROPERTY

Stages = Annotated[list[Text], Field(max_length=100)]
Path = Literal["entry", "forward", "fast_pass", "recycle", "return", "dead_end", "reopen", "back", "exit"]


class StageMoved(Happened):
    """Moves between lifecycle stages: `out_of` and `into` any of these ("" is outside), by one of these ways; empty is any."""

    key = "stage_moved"
    label = gettext_noop("Lifecycle stage moved")

    out_of: Stages = []
    into: Stages = []
    path: Annotated[list[Path], Field(max_length=9)] = []

    def lower(self, catalog: Catalog) -> Node:
        check_options("out_of", [stage for stage in self.out_of if stage], PROPERTY, catalog)
        check_options("into", [stage for stage in self.into if stage], PROPERTY, catalog)
        tests: list[EventTest | KeyTest] = [EventTest("from", "any_of", tuple(self.out_of))] if self.out_of else []
        tests += [EventTest("path", "any_of", tuple(self.path))] if self.path else []
        keys = self._keys(catalog) if self.into else None
        if keys is not None and self.which is not None:  # the first or last move of all is looked at, and must lead there
            tests, keys = [*tests, KeyTest(keys)], None
        return self.performed([Kind.STAGE_CHANGED], keys, where=tuple(tests))

    def sentence(self, catalog: Catalog) -> str:
        parts = [_("moved to another lifecycle stage")]
        if self.out_of:
            parts.append(_("from {stages}").format(stages=self._named(self.out_of, catalog)))
        if self.into:
            parts.append(_("to {stages}").format(stages=self._named(self.into, catalog)))
        if self.path:
            parts.append(_("by {paths}").format(paths=", ".join(_(PATHS[path]) for path in self.path)))
        return self.said(", ".join(parts))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return (Mention("option", f"contact.{PROPERTY}", stage) for stage in dict.fromkeys([*self.out_of, *self.into]) if stage)

    def _keys(self, catalog: Catalog) -> tuple[int, ...]:
        return (*((0,) if "" in self.into else ()), *catalog.event_keys(Kind.STAGE_CHANGED, "any_of", [stage for stage in self.into if stage]))

    def _named(self, stages: list[str], catalog: Catalog) -> str:
        prop = catalog.property("contact", PROPERTY)
        names = dict(prop.options) if prop else {}
        return describe.listed([names.get(stage, stage) or _("outside") for stage in stages], _)


PATHS: dict[str, str] = {
    "entry": gettext_noop("entry"),
    "forward": gettext_noop("the way forward"),
    "fast_pass": gettext_noop("the fast pass"),
    "recycle": gettext_noop("recycling"),
    "return": gettext_noop("return from recycling"),
    "dead_end": gettext_noop("the dead end"),
    "reopen": gettext_noop("reopening"),
    "back": gettext_noop("going back"),
    "exit": gettext_noop("exit"),
}
