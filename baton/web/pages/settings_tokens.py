"""Settings: access for programs. A token is shown once; its scopes say what it may do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions, scopes, tokens
from baton.accounts.models import ApiToken
from baton.platform.config import config
from baton.platform.errors import Forbidden, Invalid

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage


class TokenSettings(SettingsPage):
    key = "settings_tokens"
    slug = "tokens"
    label = gettext_lazy("API tokens")
    about = gettext_lazy("Access for programs: what each may read and write, and when it last called.")
    glyph = "key-round"
    section = "company"
    order = 40
    area = "tokens"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/tokens/", page), path("settings/tokens/new/", new), path("settings/tokens/<int:token_id>/revoke/", revoke)]

    @classmethod
    def fact(cls) -> str:
        n = ApiToken.objects.filter(revoked_at=None).count()
        return ngettext("%(n)d token", "%(n)d tokens", n) % {"n": n}


@allow("tokens", "view")
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/tokens.html", {**_list(request), "url": config().url, "label": TokenSettings.label})


@allow("tokens", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form of a token; made, the token is shown, this once."""
    errors: dict[str, str] = {}
    wanted = request.POST.getlist("scope")
    if request.method == "POST":
        held = [*wanted, *(f"{resource}.{request.POST[f'level.{resource}']}" for resource in scopes.RESOURCES if request.POST.get(f"level.{resource}"))]
        try:
            plain = tokens.create(request.POST.get("name", ""), held, actor=actor(request))
        except Invalid as error:
            errors = faults(error)
        except Forbidden as error:
            errors = {"scopes": str(error)}
        else:
            return render(request, "settings/token_made.html", {"plain": plain, "name": request.POST.get("name", ""), "url": config().url})
    context = {
        "name": request.POST.get("name", ""), "errors": errors, "everything": scopes.ALL in wanted,
        "resources": [(key, label, request.POST.get(f"level.{key}", "")) for key, label in scopes.RESOURCES.items()],
        "singles": [(key, label, key in wanted) for key, label in scopes.SINGLE.items()], "label": TokenSettings.label,
    }  # fmt: skip
    return render(request, "settings/token_form.html" if request.method == "POST" else "settings/token_new.html", context, status=422 if errors else 200)


@require_POST
@allow("tokens", "edit")
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token at once; this cannot be taken back."""
    tokens.revoke(token_id, actor=actor(request))
    return toast(render(request, "settings/tokens_list.html", _list(request)), _("The token no longer works."))


def _list(request: HttpRequest) -> dict[str, Any]:
    rows = [{"token": token, "whole": scopes.ALL in token.scopes, "scopes": token.scopes} for token in tokens.living()]
    return {"rows": rows, "may_edit": permissions.can(request.user, "tokens", "edit")}
