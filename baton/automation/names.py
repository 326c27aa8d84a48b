"""Names for the numbers a workflow holds, so that it can be carried to another deployment; and the numbers behind those names here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_noop

from baton.accounts.models import Team, User
from baton.automation.models import Workflow
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.segments.models import ScoreModel, Segment

Row = tuple[int, str, bool]  # number, name, whether it may be chosen (is not put aside)


def _kept(model: Any, name: str = "name") -> Iterable[Row]:
    return ((id, str(text), away is None) for id, text, away in model.objects.order_by("pk").values_list("pk", name, "archived_at"))


SOURCES: dict[str, Callable[[], Iterable[Row]]] = {
    "email": lambda: _kept(Email),
    "form": lambda: _kept(Form),
    "segment": lambda: _kept(Segment),
    "workflow": lambda: _kept(Workflow),
    "score": lambda: _kept(ScoreModel, "key"),
    "user": lambda: User.objects.order_by("pk").values_list("pk", "email", "is_active"),
    "team": lambda: ((id, name, True) for id, name in Team.objects.order_by("pk").values_list("pk", "name")),
}
NONE = {  # what is said when there is none of that name
    "email": gettext_noop("There is no e-mail “{name}” here."),
    "form": gettext_noop("There is no form “{name}” here."),
    "segment": gettext_noop("There is no list “{name}” here."),
    "workflow": gettext_noop("There is no workflow “{name}” here."),
    "score": gettext_noop("There is no score “{name}” here."),
    "user": gettext_noop("There is no user “{name}” here."),
    "team": gettext_noop("There is no team “{name}” here."),
}


class Names:
    """Reads each kind once, when it is first asked for. A name that several have is told apart by `nth`, the oldest being 1."""

    def __init__(self, brought: Mapping[tuple[str, str], int | str] | None = None) -> None:
        self.brought = dict(brought or {})  # made along with the workflow: (kind, name in the file) -> number or key here
        self._rows: dict[str, list[Row]] = {}

    def name(self, kind: str, id: Any) -> Any:
        """What stands in the file for a number; of something that is gone for good, the number itself."""
        rows = self._of(kind)
        mine = next((row for row in rows if row[0] == id), None)
        if mine is None:
            return {"number": id}
        twins = [row for row in rows if row[1] == mine[1] and row[2] == mine[2]]
        return mine[1] if len(twins) == 1 or not mine[2] else {"name": mine[1], "nth": twins.index(mine) + 1}

    def id(self, kind: str, said: Any) -> int | str | None:
        """The number here of what a file names; None when there is none, or several and it does not say which."""
        nth = None
        if isinstance(said, Mapping):
            said, nth = said.get("name"), said.get("nth")
        if not isinstance(said, str):
            return None
        if (kind, said) in self.brought:
            return self.brought[kind, said]
        found = [id for id, name, there in self._of(kind) if there and name == said]
        if isinstance(nth, int) and not isinstance(nth, bool):
            return found[nth - 1] if 1 <= nth <= len(found) else None
        return found[0] if len(found) == 1 else None

    def taken(self, kind: str) -> set[str]:
        """The names that are in use."""
        return {name for _id, name, there in self._of(kind) if there}

    def _of(self, kind: str) -> list[Row]:
        if kind not in self._rows:
            self._rows[kind] = list(SOURCES[kind]())
        return self._rows[kind]


def free(name: str, taken: set[str]) -> str:
    """The name, or the first of “name 2”, “name 3” … that nobody has; it is taken from then on."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} {number}"
    taken.add(found)
    return found


def twice(kind: str, said: Any, names: Names) -> bool:
    """Whether several have this name, so that the file must say which."""
    counts: dict[str, int] = defaultdict(int)
    for _id, name, there in names._of(kind):
        counts[name] += there
    return isinstance(said, str) and counts[said] > 1
