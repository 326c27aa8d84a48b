"""Which events are about a piece of content: the keys that page views, downloads, videos and attendances have for it."""

from collections.abc import Iterable

from baton.content import assets, gate
from baton.content.models import Asset, LandingPage
from baton.events.vocabulary import Kind
from baton.events.wire import page_key
from baton.platform.config import config

Key = tuple[Kind, str]  # kind and event_key.value

SEEN = (Kind.PAGE_VIEW,)
USED = (Kind.DOWNLOAD, Kind.VIDEO_WATCHED, Kind.ATTENDED)  # what people came for


def of_asset(asset: Asset) -> list[Key]:
    """Everything that tells of this asset."""
    own = page_key(gate.address(asset))
    found: list[Key] = [(Kind.PAGE_VIEW, own)]
    if asset.kind == "page" and asset.url:
        found.append((Kind.PAGE_VIEW, page_key(asset.url)))
    if asset.kind == "link" and asset.url:
        found += [(Kind.PAGE_VIEW, page_key(asset.url)), (Kind.DOWNLOAD, page_key(asset.url))]
    if asset.kind == "file":
        found += [(Kind.DOWNLOAD, key) for key in (f"{own}/file", asset.url and page_key(asset.url)) if key]
    if asset.kind in ("video", "webinar"):
        found += [(Kind.VIDEO_WATCHED, key) for key in (video_key(asset.url if asset.kind == "video" else asset.replay_url), f"{own}/file") if key]
    if asset.kind == "webinar" and asset.event_name:
        found.append((Kind.ATTENDED, asset.event_name))
    return list(dict.fromkeys(found))


def of_page(page: LandingPage) -> list[Key]:
    """The views of a landing page."""
    return [(Kind.PAGE_VIEW, page_key(page_address(page)))]


def of(subject: Asset | LandingPage) -> list[Key]:
    return of_asset(subject) if isinstance(subject, Asset) else of_page(subject)


def page_address(page: LandingPage) -> str:
    """Where the public finds a landing page."""
    return f"{config().url}/p/{page.slug}/"


def video_key(url: str) -> str:
    """What `video_watched` events of an address are about, as the tracker names it."""
    player, id = assets.player(url)
    return page_key(id) if player == "file" else f"{player}:{id}" if player else ""


def addresses(subject: Asset | LandingPage, kinds: Iterable[Kind]) -> list[str]:
    """The values of some kinds only."""
    wanted = set(kinds)
    return [value for kind, value in of(subject) if kind in wanted]
