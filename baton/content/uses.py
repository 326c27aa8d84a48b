"""Which assets and landing pages need a form or an asset: asked before one is put aside."""

from collections.abc import Iterator

from baton.content import blocks
from baton.content.models import Asset, LandingPage
from baton.crm import uses
from baton.crm.uses import Mention


@uses.also_used_by
def needed_by(thing: Mention) -> Iterator[str]:
    """Titles of the assets that ask this form, and names of the pages whose draft or published version shows it."""
    if thing.kind not in ("form", "asset"):
        return
    if thing.kind == "form" and thing.key.isdigit():
        yield from Asset.objects.filter(archived_at=None, form_id=int(thing.key)).order_by("title", "pk").values_list("title", flat=True)
    pages = LandingPage.objects.filter(archived_at=None).order_by("name", "pk").values_list("name", "draft", "published__content")
    for name, *documents in pages:
        if any(thing in blocks.mentions(document) for document in documents if document):
            yield name
