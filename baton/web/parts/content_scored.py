"""Which scores look at a piece of content: what is published and not scored is work that nobody sees. Also said to colleagues, once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import permissions
from baton.accounts.models import User
from baton.content import addresses
from baton.content.models import Asset, LandingPage
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock
from baton.platform.config import config
from baton.segments.models import ScoreRule

Subject = Asset | LandingPage
Points = tuple[str, int]  # name of the score, points
ASKS = {"page_viewed": Kind.PAGE_VIEW, "page_stayed": Kind.PAGE_VIEW, "downloaded": Kind.DOWNLOAD}
AFTER = timedelta(minutes=30)  # time to do it unasked
WITHIN = timedelta(days=14)  # what was published longer ago is in the library's list only


def points(subjects: Collection[Subject]) -> dict[int, list[Points]]:
    """What a look at each of them gives, score by score: of the rules that name it, or a tag it carries. Four queries, however many there are."""
    rules = list(
        ScoreRule.objects.filter(active=True, model__archived_at=None).exclude(points=0).select_related("model").order_by("model__position", "position")
    )
    said = {kind: keys.tags(kind) for kind in (Kind.PAGE_VIEW, Kind.DOWNLOAD, Kind.FORM_SUBMISSION)}
    found: dict[int, list[Points]] = {}
    for one in subjects:
        about: list[tuple[Kind, str, Sequence[str]]] = [(kind, value, said.get(kind, {}).get(value, ([], None))[0]) for kind, value in addresses.of(one)]
        if isinstance(one, Asset) and one.form_id:
            form = str(one.form_id)
            about.append((Kind.FORM_SUBMISSION, form, said[Kind.FORM_SUBMISSION].get(form, ([], None))[0]))
        sums: dict[str, int] = {}
        for rule in rules:
            if any(asks_for(rule.filter, *key) for key in about):
                sums[rule.model.name] = sums.get(rule.model.name, 0) + rule.points
        found[one.pk] = list(sums.items())
    return found


def asks_for(stored: Any, kind: Kind, value: str, tags: Iterable[str]) -> bool:
    """Whether a stored filter names this page, file, video, webinar or form, or a tag that it carries. What is said not to be asks for nothing."""
    if isinstance(stored, list):
        return any(asks_for(part, kind, value, tags) for part in stored)
    if not isinstance(stored, Mapping) or "not" in stored:
        return False
    name = stored.get("condition")
    if name == "form_submitted":
        return kind == Kind.FORM_SUBMISSION and _named(stored, stored.get("form") and str(stored["form"]), "is", value, tags)
    if name in ASKS:
        return kind == ASKS[name] and _named(stored, stored.get("address"), str(stored.get("match") or "contains"), value, tags)
    if name == "event":
        return kind.word == stored.get("event") and _named(stored, stored.get("about"), str(stored.get("match") or "is"), value, tags)
    return any(asks_for(stored[how], kind, value, tags) for how in ("all", "any", "filter") if how in stored)


def _named(stored: Mapping[str, Any], asked: Any, how: str, value: str, tags: Iterable[str]) -> bool:
    """Named by its address or by a tag; a rule about any page at all names nothing."""
    tag = stored.get("tag") or ""
    if not asked:
        return bool(tag) and tag in tags
    wanted = str(asked).lower().partition("://")[2] or str(asked).lower()
    there = value.lower()
    if wanted.startswith("/") and how != "contains":
        there = there[there.find("/") :] if "/" in there else there
    fits = {"is": there == (wanted.rstrip("/") or "/"), "starts": there.startswith(wanted)}.get(how, wanted in there)
    return fits and (not tag or tag in tags)


def remind() -> int:
    """Tell everybody who may change scores of what was published and gives no points, once for each. Returns how many notices are new."""
    now = clock.now()
    between = (now - WITHIN, now - AFTER)
    fresh: list[Subject] = [
        *Asset.objects.filter(archived_at=None, published_at__range=between),
        *LandingPage.objects.filter(archived_at=None, published__published_at__range=between, published__number=1).select_related("published"),
    ]
    scored = points(fresh)
    unscored = [one for one in fresh if not scored[one.pk]]
    if not unscored:
        return 0
    readers = [person for person in User.objects.filter(is_active=True).order_by("pk") if permissions.can(person, "scoring", "edit")]
    notices = []
    for person in readers:
        with translation.override(person.language or config().language):
            for one in unscored:
                title = _("“{name}” gives no points yet").format(name=title_of(one))
                body = _("It is published, and no score looks at it: what people do with it is not counted.")
                notices.append(Notice(person.pk, f"content-unscored:{one.pk}", title, body, url_of(one)))
    return len(notify.many(notices))


def title_of(one: Subject) -> str:
    return one.title if isinstance(one, Asset) else one.name


def url_of(one: Subject) -> str:
    """Its page in Baton."""
    return f"/content/{one.pk}/" if isinstance(one, Asset) else f"/content/pages/{one.pk}/"
