"""Make, change, publish and archive landing pages. Each change names its actor and is kept in the history; a published version never changes."""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.content import blocks
from baton.content.assets import STAGES
from baton.content.blocks import Block
from baton.content.kinds import KINDS
from baton.content.models import LandingPage, PageVersion
from baton.crm import files
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SETTINGS = ("name", "slug", "language", "stage")  # of the page itself; title, description, image and theme belong to the draft
Content = dict[str, Any]


def create(name: str, *, actor: Actor, slug: str = "", language: str = "ko", stage: str = "", content: Content | None = None) -> LandingPage:
    """A new page that nobody sees yet. Without a slug one is made from the name. Raises Invalid with paths."""
    page = LandingPage(id=sql.next_ids("record_id_seq", 1)[0])
    _apply(page, {"name": name, "slug": slug or _free(name, page.pk), "language": language, "stage": stage})
    page.draft = content or blocks.document(page.name, [])
    with transaction.atomic():
        page.save(force_insert=True)
        history.record(actor, "created", "landing_page", page.pk, name=page.name, slug=page.slug)
    return page


def update(page: LandingPage, *, actor: Actor, **settings: Any) -> LandingPage:
    """Change name, slug, language or stage; they count at once. Raises Invalid with paths."""
    before = {key: getattr(page, key) for key in SETTINGS}
    changed = LandingPage(id=page.pk, **before)
    _apply(changed, settings)
    differing = {key: getattr(changed, key) for key in settings if getattr(changed, key) != before[key]}
    if not differing:
        return page
    for key, value in differing.items():
        setattr(page, key, value)
    page.updated_at = clock.now()
    with transaction.atomic():
        page.save(update_fields=[*differing, "updated_at"])
        history.record(actor, "updated", "landing_page", page.pk, **{key: [before[key], value] for key, value in differing.items()})
    return page


def describe(page: LandingPage, *, actor: Actor, title: str, description: str, image: int | None, accent: str, mode: str) -> None:
    """Title, description, preview image and look of the draft."""

    def put(draft: Content) -> str:
        draft.update(title=title.strip()[:200], description=description.strip()[:300], image=image, theme=blocks.theme({"accent": accent, "mode": mode}))
        return "described"

    _draft(page, actor, put)


def add(page: LandingPage, kind: str, *, actor: Actor, after: str = "", block: Block | None = None) -> str:
    """Put a new block (or this one, as a copy) behind another, else at the end; returns its key. Raises Invalid for an unknown kind or too many blocks."""
    if kind not in KINDS:
        raise Invalid.one("kind", "INVALID_OPTION", _("There is no such block."))
    made = {**block, "key": blocks.new_key()} if block else blocks.new(kind)

    def put(draft: Content) -> str:
        if len(draft["blocks"]) >= blocks.MOST:
            raise Invalid.one("blocks", "TOO_MANY", _("A page has at most {n} blocks.").format(n=blocks.MOST))
        place = next((at + 1 for at, one in enumerate(draft["blocks"]) if one["key"] == after), len(draft["blocks"]))
        draft["blocks"].insert(place, made)
        return f"added {kind}"

    _draft(page, actor, put)
    return str(made["key"])


def put_back(page: LandingPage, block: Block, place: int, *, actor: Actor) -> None:
    """Put a block back that was taken away."""

    def put(draft: Content) -> str:
        if all(one["key"] != block["key"] for one in draft["blocks"]) and block.get("kind") in KINDS:
            draft["blocks"].insert(place, block)
        return f"put back {block.get('kind')}"

    _draft(page, actor, put)


def change(page: LandingPage, key: str, given: Content, *, actor: Actor) -> Block:
    """Other settings for a block. What is missing is told when the page is published. Raises NotFound."""
    found: list[Block] = []

    def put(draft: Content) -> str:
        one = _block(draft, key)
        one.update(blocks.cleaned(one["kind"], given))
        found.append(one)
        return f"changed {one['kind']}"

    _draft(page, actor, put)
    return found[0]


def move(page: LandingPage, key: str, to: int, *, actor: Actor) -> None:
    """Give a block another place, counted from 0. Raises NotFound."""

    def put(draft: Content) -> str:
        one = _block(draft, key)
        draft["blocks"].remove(one)
        draft["blocks"].insert(max(0, min(to, len(draft["blocks"]))), one)
        return f"moved {one['kind']}"

    _draft(page, actor, put)


def drop(page: LandingPage, key: str, *, actor: Actor) -> tuple[int, Block]:
    """Take a block away; returns where it was and itself. Raises NotFound."""
    found: list[tuple[int, Block]] = []

    def put(draft: Content) -> str:
        one = _block(draft, key)
        found.append((draft["blocks"].index(one), one))
        draft["blocks"].remove(one)
        return f"dropped {one['kind']}"

    _draft(page, actor, put)
    return found[0]


def publish(page: LandingPage, *, actor: Actor) -> PageVersion:
    """Show the draft to the public from now on. Raises Invalid for everything that is missing; then the public sees what it saw."""
    with transaction.atomic():
        held = _held(page)
        if problems := blocks.problems(held.draft):
            raise Invalid(problems)
        last = held.versions.order_by("-number").first()
        number = last.number + 1 if last else 1
        made = PageVersion.objects.create(page=held, number=number, content=held.draft, published_at=clock.now(), published_by=str(actor))
        held.published, held.updated_at = made, clock.now()
        held.save(update_fields=["published", "updated_at"])
        history.record(actor, "published", "landing_page", page.pk, name=page.name, version=made.number)
    page.published, page.draft = made, held.draft
    return made


def unpublish(page: LandingPage, *, actor: Actor) -> None:
    """Take it from the public. Draft and versions stay."""
    if page.published_id is not None:
        page.published, page.updated_at = None, clock.now()
        with transaction.atomic():
            page.save(update_fields=["published", "updated_at"])
            history.record(actor, "unpublished", "landing_page", page.pk, name=page.name)


def revert(page: LandingPage, number: int, *, actor: Actor) -> None:
    """Make an earlier version the draft; the public sees it when it is published. Raises NotFound."""
    version = page.versions.filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no such version."))

    def put(draft: Content) -> str:
        draft.clear()
        draft.update(version.content)
        return f"took version {number}"

    _draft(page, actor, put)


def duplicate(page: LandingPage, *, actor: Actor) -> LandingPage:
    """A page like this one, with its draft and its images."""
    name = _("{name} (copy)").format(name=page.name)[:200]
    with transaction.atomic():
        made = create(name, actor=actor, slug=_free(page.slug, page.pk), language=page.language, stage=page.stage, content=page.draft)
        news = {old: files.add(made.pk, *_file(page.pk, old), actor=actor) for old in blocks.images(page.draft) if _has(page.pk, old)}
        made.draft = _with_images(made.draft, news)
        made.save(update_fields=["draft"])
    return made


def archive(page: LandingPage, *, actor: Actor) -> None:
    """Put it away, and take it from the public."""
    if page.archived_at is None:
        with transaction.atomic():
            unpublish(page, actor=actor)
            page.archived_at = clock.now()
            page.save(update_fields=["archived_at"])
            history.record(actor, "archived", "landing_page", page.pk, name=page.name)


def restore(page: LandingPage, *, actor: Actor) -> None:
    """Take it out again; it is not published."""
    if page.archived_at is not None:
        page.archived_at = None
        with transaction.atomic():
            page.save(update_fields=["archived_at"])
            history.record(actor, "restored", "landing_page", page.pk, name=page.name)


def get(pk: int) -> LandingPage:
    """Raises NotFound."""
    found = LandingPage.objects.select_related("published").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such page."))
    return found


def public(slug: str) -> LandingPage:
    """The page whose published version the public sees under an address. Raises NotFound."""
    kept = LandingPage.objects.select_related("published").filter(archived_at=None, published__isnull=False)
    found = None if "\0" in slug else kept.filter(slug=slug).first()
    if found is None:
        raise NotFound(_("There is no such page."))
    return found


def is_changed(page: LandingPage) -> bool:
    """Whether the draft is not what the public sees."""
    return page.published is not None and page.published.content != page.draft


def _draft(page: LandingPage, actor: Actor, put: Callable[[Content], str]) -> None:
    """Change the draft as it is now, one after the other: two editors do not undo each other."""
    with transaction.atomic():
        held = _held(page)
        draft = {**held.draft, "blocks": [dict(block) for block in held.draft.get("blocks", [])]}
        what = put(draft)
        if draft == held.draft:
            return
        held.draft, held.updated_at = draft, clock.now()
        held.save(update_fields=["draft", "updated_at"])
        history.record(actor, "edited", "landing_page", page.pk, what=what)
    page.draft, page.updated_at = held.draft, held.updated_at


def _held(page: LandingPage) -> LandingPage:
    return LandingPage.objects.select_for_update().get(pk=page.pk)


def _block(draft: Content, key: str) -> Block:
    for one in draft["blocks"]:
        if one["key"] == key:
            found: Block = one
            return found
    raise NotFound(_("This block no longer exists."))


def _has(page: int, file: int) -> bool:
    return any(about.id == file for about in files.of([page]))


def _file(page: int, file: int) -> tuple[str, bytes]:
    about, content = files.get(page, file)
    return about.name, content


def _with_images(value: Any, news: dict[int, int]) -> Any:
    """A document with the numbers of its images replaced."""
    if isinstance(value, dict):
        return {key: news.get(part) if key == "image" and isinstance(part, int) else _with_images(part, news) for key, part in value.items()}
    return [_with_images(part, news) for part in value] if isinstance(value, list) else value


def _free(name: str, pk: int) -> str:
    """A slug for a name that nobody has yet."""
    base = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:60].strip("-") or f"page-{pk}"
    taken = set(LandingPage.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)


def _apply(page: LandingPage, settings: Content) -> None:
    problems: list[Problem] = []
    for key, value in settings.items():
        if key not in SETTINGS:
            problems.append(Problem(key, "UNKNOWN", _("A page has no such setting.")))
        else:
            setattr(page, key, str(value).strip())
    page.name, page.slug = page.name[:200], page.slug.lower()
    if not page.name:
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    if not SLUG.fullmatch(page.slug) or len(page.slug) > 80:
        problems.append(Problem("slug", "INVALID_TEXT", _("An address has up to 80 small letters and digits, with hyphens between them.")))
    elif LandingPage.objects.filter(slug=page.slug).exclude(pk=page.pk).exists():
        problems.append(Problem("slug", "TAKEN", _("Another page has the address “{slug}”.").format(slug=page.slug)))
    if page.language not in ("ko", "en"):
        problems.append(Problem("language", "INVALID_OPTION", _("Expected one of {types}.").format(types="ko, en")))
    if page.stage and page.stage not in STAGES:
        problems.append(Problem("stage", "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(STAGES))))
    if problems:
        raise Invalid(problems)
