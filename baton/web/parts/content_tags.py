"""What content is, told to lists and scores: its stage and topics become tags of its pages, files, videos and webinars."""

from collections.abc import Collection

from baton.content import addresses
from baton.content.assets import STAGES
from baton.content.models import Asset, LandingPage
from baton.events import keys
from baton.platform.actor import Actor
from baton.segments import content


def say(subject: Asset | LandingPage, *, before: Collection[str] = (), actor: Actor) -> None:
    """Tag everything that tells of it; `before`: topics it had and may have no more. Tags that people gave besides, and ratings, stay."""
    topics = set(subject.topics) if isinstance(subject, Asset) else set()
    for kind, value in addresses.of(subject):
        there, rating = keys.tags(kind).get(value, ([], None))
        kept = {*there} - {*STAGES} - {*before}
        content.tag(kind, value, tags=sorted({*kept, *topics, *([subject.stage] if subject.stage else [])}), rating=rating, actor=actor)
