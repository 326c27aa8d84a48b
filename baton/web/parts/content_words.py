"""Content in words: what its gate does, whom a stage is for, icons."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from baton.content import gate as gates
from baton.content.models import Asset

ICONS = {"page": "file-text", "file": "file-down", "video": "circle-play", "webinar": "users-round", "link": "arrow-up-right"}
LANGUAGES = (("ko", "한국어"), ("en", "English"))
READERS: dict[str, str | Promise] = {
    "early": gettext_lazy("They learn that they have the problem."),
    "middle": gettext_lazy("They compare ways to solve it."),
    "late": gettext_lazy("They decide, and ask for cases and prices."),
}


def gate(asset: Asset) -> str:
    """Who is asked for the form, shortly."""
    unknown, known = asked(asset)
    if unknown and known:
        return _("asks everybody once") if asset.gate == "by_stage" else _("asks everybody")
    return _("asks strangers") if unknown else pgettext("content", "open")


def asked(asset: Asset) -> tuple[bool, bool]:
    """Whether somebody unknown is asked, and whether somebody known is."""
    probe = Asset(stage=asset.stage, gate=asset.gate, form_id=asset.form_id or 1)
    return gates.decide(probe, False) == "ask", gates.decide(probe, True) == "ask"
