"""Make, change, publish and archive assets. Each change names its actor and is kept in the history."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from baton.content.models import Asset
from baton.crm import files, uses
from baton.crm.uses import Mention
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

KINDS: dict[str, str | Promise] = {
    "page": gettext_lazy("Page"), "file": gettext_lazy("File"), "video": gettext_lazy("Video"),
    "webinar": gettext_lazy("Webinar"), "link": gettext_lazy("Link"),
}  # fmt: skip
STAGES: dict[str, str | Promise] = {
    "early": pgettext_lazy("content", "Early"), "middle": pgettext_lazy("content", "Middle"), "late": pgettext_lazy("content", "Late"),
}  # fmt: skip
GATES: dict[str, str | Promise] = {
    "by_stage": gettext_lazy("By stage"), "never": gettext_lazy("Never ask"),
    "if_unknown": gettext_lazy("Ask whom we do not know"), "always": gettext_lazy("Ask everybody"),
}  # fmt: skip
SETTINGS = ("kind", "title", "description", "language", "stage", "gate", "form_id", "url", "replay_url", "starts_at", "minutes", "topics")
LONGEST = {"title": 200, "description": 4000}
TOPICS = 12
YOUTUBE = re.compile(r"https?://(?:www\.|m\.)?(?:youtube(?:-nocookie)?\.com/(?:watch\?(?:[^#]*&)?v=|embed/|shorts/|live/)|youtu\.be/)([\w-]{11})(?![\w-])")
VIMEO = re.compile(r"https?://(?:www\.|player\.)?vimeo\.com/(?:video/)?(\d{5,12})")


def create(kind: str, title: str, *, actor: Actor, **settings: Any) -> Asset:
    """A new asset, not published yet; `settings` are the other SETTINGS. Raises Invalid with paths."""
    asset = Asset(id=sql.next_ids("record_id_seq", 1)[0])
    _apply(asset, {"stage": "middle", **settings, "kind": kind, "title": title})
    if kind == "webinar":
        asset.event_name = asset.title
    with transaction.atomic():
        asset.save(force_insert=True)
        history.record(actor, "created", "asset", asset.pk, title=asset.title, kind=kind, stage=asset.stage)
    return asset


def update(asset: Asset, *, actor: Actor, **settings: Any) -> Asset:
    """Change some settings. Raises Invalid with paths, also for what a published asset needs; then nothing changed."""
    before = {key: getattr(asset, key) for key in SETTINGS}
    changed = Asset(id=asset.pk, file_id=asset.file_id, published_at=asset.published_at, **before)
    _apply(changed, settings)
    differing = {key: getattr(changed, key) for key in settings if getattr(changed, key) != before[key]}
    if not differing:
        return asset
    for key, value in differing.items():
        setattr(asset, key, value)
    if asset.kind == "webinar" and not asset.event_name:
        asset.event_name = asset.title
    asset.updated_at = clock.now()
    with transaction.atomic():
        asset.save(update_fields=[*differing, "event_name", "updated_at"])
        told = {key: [_plain(before[key]), _plain(value)] for key, value in differing.items()}
        history.record(actor, "updated", "asset", asset.pk, **told)
    return asset


def set_file(asset: Asset, name: str, content: bytes, *, actor: Actor) -> None:
    """The file that is handed out, in place of the one before. Raises Invalid at `file`."""
    with transaction.atomic():
        old, asset.file_id = asset.file_id, files.add(asset.pk, name, content, actor=actor)
        asset.updated_at = clock.now()
        asset.save(update_fields=["file_id", "updated_at"])
        if old is not None:
            files.remove(asset.pk, old, actor=actor)


def publish(asset: Asset, *, actor: Actor) -> None:
    """From now on its address answers. Raises Invalid for what is missing."""
    if asset.published_at is None:
        if problems := missing(asset):
            raise Invalid(problems)
        _mark(asset, "published", actor, published_at=clock.now())


def unpublish(asset: Asset, *, actor: Actor) -> None:
    """Its address answers no more. Raises Conflict that names the pages which show it."""
    if asset.published_at is not None:
        uses.refuse(Mention("asset", str(asset.pk)), asset.title)
        _mark(asset, "unpublished", actor, published_at=None)


def archive(asset: Asset, *, actor: Actor) -> None:
    """Put it away; what people did with it stays. Raises Conflict that names the pages which show it."""
    if asset.archived_at is None:
        uses.refuse(Mention("asset", str(asset.pk)), asset.title)
        _mark(asset, "archived", actor, archived_at=clock.now())


def restore(asset: Asset, *, actor: Actor) -> None:
    """Take it out again."""
    if asset.archived_at is not None:
        _mark(asset, "restored", actor, archived_at=None)


def get(pk: int) -> Asset:
    """Raises NotFound."""
    found = Asset.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such content."))
    return found


def by_guid(guid: str) -> Asset:
    """What the public may see under an address. Raises NotFound for what is unknown, archived or not published, and for what is no GUID."""
    try:
        found = Asset.objects.filter(guid=UUID(guid), archived_at=None, published_at__isnull=False).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(_("There is no such content."))
    return found


def file_of(asset: Asset) -> files.About | None:
    """The file it hands out, without its bytes."""
    return next((about for about in files.of([asset.pk]) if about.id == asset.file_id), None) if asset.file_id else None


def missing(asset: Asset) -> list[Problem]:
    """What it needs before it can be published."""
    problems = []
    if asset.kind == "file" and asset.file_id is None:
        problems.append(Problem("file", "REQUIRED", _("Choose a file first.")))
    if asset.kind == "video" and asset.file_id is None and not asset.url:
        problems.append(Problem("url", "REQUIRED", _("Give the video’s address, or its file.")))
    if asset.kind in ("page", "link") and not asset.url:
        problems.append(Problem("url", "REQUIRED", _("An address is required.")))
    if asset.kind == "webinar" and asset.starts_at is None:
        problems.append(Problem("starts_at", "REQUIRED", _("When does it begin?")))
    if asset.form_id is None and asks(asset.gate, asset.stage):
        problems.append(Problem("form_id", "REQUIRED", _("Choose the form that is asked before it opens, or never ask.")))
    return problems


def asks(gate: str, stage: str) -> bool:
    """Whether anybody at all is asked for a form."""
    return gate in ("if_unknown", "always") or (gate == "by_stage" and stage != "early")


def player(url: str) -> tuple[str, str]:
    """("youtube" | "vimeo" | "file" | "", the video's id or address)."""
    if found := YOUTUBE.match(url):
        return "youtube", found[1]
    if found := VIMEO.match(url):
        return "vimeo", found[1]
    return ("file", url) if url else ("", "")


def topic(text: str) -> str:
    """A topic as tags are written: small letters, digits and underscores; "" when nothing is left."""
    word = re.sub(r"[^\w]+", "_", text.strip().lower()).strip("_")[:40]
    return f"t_{word}"[:40] if word and not word.isidentifier() else word


def _mark(asset: Asset, verb: str, actor: Actor, **fields: datetime | None) -> None:
    for key, value in fields.items():
        setattr(asset, key, value)
    asset.updated_at = clock.now()
    with transaction.atomic():
        asset.save(update_fields=[*fields, "updated_at"])
        history.record(actor, verb, "asset", asset.pk, title=asset.title)


def _apply(asset: Asset, settings: dict[str, Any]) -> None:
    problems: list[Problem] = []
    for key, value in settings.items():
        if key not in SETTINGS:
            problems.append(Problem(key, "UNKNOWN", _("Content has no such setting.")))
        else:
            setattr(asset, key, value)
    for key, longest in LONGEST.items():
        setattr(asset, key, str(getattr(asset, key) or "").strip()[:longest])
    if not asset.title:
        problems.append(Problem("title", "REQUIRED", _("A title is required.")))
    for key, known in (("kind", KINDS), ("stage", STAGES), ("gate", GATES)):
        if getattr(asset, key) not in known:
            problems.append(Problem(key, "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(known))))
    if asset.language not in ("ko", "en"):
        problems.append(Problem("language", "INVALID_OPTION", _("Expected one of {types}.").format(types="ko, en")))
    for key in ("url", "replay_url"):
        text = str(getattr(asset, key) or "").strip()
        setattr(asset, key, text)
        if text and not is_address(text):
            problems.append(Problem(key, "INVALID_URL", _("Expected an http:// or https:// address.")))
    if asset.minutes is not None and not 1 <= asset.minutes <= 24 * 60:
        problems.append(Problem("minutes", "INVALID_NUMBER", _("A number of minutes from 1 to 1,440.")))
    asset.topics = list(dict.fromkeys(word for text in asset.topics if (word := topic(text)) and word not in STAGES))
    if len(asset.topics) > TOPICS:
        problems.append(Problem("topics", "TOO_MANY", _("At most {n} topics.").format(n=TOPICS)))
    if asset.published_at is not None:
        problems += missing(asset)
    if problems:
        raise Invalid(problems)


def is_address(text: str) -> bool:
    """Whether a text is an http(s) address that can be led to."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= 2048 and text.isprintable() and " " not in text
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
