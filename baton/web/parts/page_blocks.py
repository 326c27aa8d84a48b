"""The blocks of a landing page with everything their templates show: images by address, safe text, forms and assets that still are there."""

from typing import Any

from baton.content import assets, blocks, gate, rich
from baton.content.kinds import KINDS
from baton.content.models import Asset, LandingPage
from baton.forms.models import Form

from . import public

Shown = dict[str, Any]


def shown(page: LandingPage, content: dict[str, Any]) -> list[Shown]:
    """The blocks in their order, each with `template`. At most two queries, whatever is on the page. What is gone (a form, an asset) is left out."""
    wanted = list(blocks.mentions(content))
    forms = {form.pk: form for form in Form.objects.filter(pk__in=[int(m.key) for m in wanted if m.kind == "form"], archived_at=None)}
    found = Asset.objects.filter(pk__in=[int(m.key) for m in wanted if m.kind == "asset"], archived_at=None, published_at__isnull=False)
    contents = {one.pk: one for one in found}
    made = []
    for block in content.get("blocks", []):
        if block["kind"] not in KINDS:
            continue
        one: Shown = {**block, "template": f"content/blocks/{block['kind']}.html", "image": _image(page, block.get("image"))}
        if "rows" in block:
            one["rows"] = [{**row, **({"image": _image(page, row.get("image"))} if "image" in row else {})} for row in block["rows"]]
        match block["kind"]:
            case "text":
                one["html"] = rich.html(block["body"])
            case "video":
                one["video"] = public.video(block["url"])
            case "form":
                one["form"] = forms.get(block["form"])
            case "asset":
                asset = contents.get(block["asset"])
                one["asset"] = asset
                if asset is not None:
                    one |= {"link": gate.address(asset), "label": assets.KINDS[asset.kind]}
        if block["kind"] in ("form", "asset") and one[block["kind"]] is None:
            continue
        made.append(one)
    return made


def _image(page: LandingPage, number: Any) -> str:
    return f"/p/images/{page.pk}/{number}" if isinstance(number, int) else ""
