"""E-mails, forms, lists, teams and colleagues as choices of an input: (id, name), by name."""

from collections.abc import Callable

from baton.accounts.models import Team, User
from baton.forms.models import Form
from baton.messaging.consent import subscriptions
from baton.messaging.models import Email
from baton.segments.models import Segment

Option = tuple[str, str]


def records(kind: str) -> list[Option]:
    """All e-mails, forms, lists, kinds of news, teams or users: (id, name)."""
    named: dict[str, Callable[[], list[Option]]] = {
        "email": emails, "form": forms, "segment": lambda: segments(""), "news": news, "team": teams, "user": colleagues,
    }  # fmt: skip
    return named[kind]()


def emails() -> list[Option]:
    return [(str(pk), name) for pk, name in Email.objects.filter(archived_at=None, kind="mail").order_by("name").values_list("pk", "name")]


def forms() -> list[Option]:
    return [(str(pk), name) for pk, name in Form.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")]


def news() -> list[Option]:
    """The kinds of news, as the preference centre has them."""
    return [(str(type.pk), subscriptions.name(type)) for type in subscriptions.known()]


def colleagues() -> list[Option]:
    """Everybody who works here, by name."""
    return [(str(pk), name) for pk, name in User.objects.filter(is_active=True).order_by("name").values_list("pk", "name")]


def teams() -> list[Option]:
    """All teams by name."""
    return [(str(pk), name) for pk, name in Team.objects.order_by("name").values_list("pk", "name")]


def segments(kind: str) -> list[Option]:
    found = Segment.objects.filter(archived_at=None, **({"kind": kind} if kind else {}))
    return [(str(pk), name) for pk, name in found.order_by("name").values_list("pk", "name")]
