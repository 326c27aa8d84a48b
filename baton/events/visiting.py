"""The stage of the tick that works out visits, and where contacts came from, before scores and lists look."""

from baton.events import origins, sessions
from baton.events.vocabulary import Kind
from baton.platform.changes import Batch, Change, on_change


@on_change(order=12)
def visits(batch: Batch, unseen: list[Change]) -> None:
    """Visits of those with new views or clicks; visits and sources of those who are new or became another's."""
    happened: dict[int, set[int]] = {int(Kind.PAGE_VIEW): set(), int(Kind.EMAIL_CLICK): set(), int(Kind.LINK_CLICK): set()}
    anew = {change.contact_id for change in unseen if change.kind == "identity"}
    for change in unseen:
        if change.kind == "event" and (of_kind := happened.get(int(change.key.partition(":")[0]))) is not None:
            of_kind.add(change.contact_id)
    seen, clicked = happened[Kind.PAGE_VIEW], happened[Kind.EMAIL_CLICK] | happened[Kind.LINK_CLICK]
    if seen or clicked or anew:
        origins.settle(anew | sessions.follow(seen, clicked, anew))
