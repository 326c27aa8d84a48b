"""Settings: tracking. The sites that may send hits, the banner of each, and how the tracker is put on a site, with a live check that it is there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions, users
from baton.events import banner_texts, sites
from baton.events.models import Site
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid

from ..answer import faults, toast
from ..middleware import POLICY
from ..page import actor, allow
from ..parts import funnel_words, tracking_steps
from ..settings_page import SettingsPage

MODES = (
    ("none", gettext_lazy("No banner"), gettext_lazy("Visits are recorded. Who has Do Not Track or Global Privacy Control on is not.")),
    (
        "notice",
        gettext_lazy("Tell, and let refuse"),
        gettext_lazy("Visits are recorded; the banner says so, and one click ends it. Usual for visitors in Korea."),
    ),
    (
        "ask",
        gettext_lazy("Ask first"),
        gettext_lazy("Nothing is stored and nothing is sent until the visitor agrees. Needed for visitors in the European Union."),
    ),
)
REOPEN = '<a href="#" data-baton-consent>Cookies</a>'
LANGUAGES = (("ko", "한국어"), ("en", "English"))
WORDS = {
    "title": gettext_lazy("Heading"),
    "text": gettext_lazy("Text"),
    "agree": gettext_lazy("Button: agree"),
    "refuse": gettext_lazy("Button: refuse"),
    "policy": gettext_lazy("Link to the privacy policy"),
}
LOOKS_BACK = timedelta(days=1)  # of an address with an old `since`


class TrackingSettings(SettingsPage):
    key = "settings_tracking"
    slug = "tracking"
    label = gettext_lazy("Tracking")
    about = gettext_lazy("Your sites, what their visitors are asked, and how the tracker is put on them.")
    glyph = "radar"
    section = "company"
    order = 15
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/tracking/", page),
            path("settings/tracking/new/", new),
            path("settings/tracking/install/", install),
            path("settings/tracking/check/", check),
            path("settings/tracking/preview/", preview),
            path("settings/tracking/frame/", frame),
            path("settings/tracking/<int:site_id>/", banner),
            path("settings/tracking/<int:site_id>/group/", group),
            path("settings/tracking/<int:site_id>/remove/", remove),
        ]

    @classmethod
    def fact(cls) -> str:
        n = len(sites.known())
        return ngettext("%(n)d site", "%(n)d sites", n) % {"n": n} if n else ""


# Sites


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    return _sites(request, "settings/tracking.html")


@require_POST
@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """One more site; also the way back of a removed one."""
    typed = {name: request.POST.get(name, "") for name in ("domain", "group")}
    try:
        sites.add(typed["domain"], group=typed["group"], actor=actor(request))
    except (Invalid, Conflict) as error:
        errors = faults(error) if isinstance(error, Invalid) else {"domain": str(error)}
        return _sites(request, "settings/tracking_sites.html", status=422, errors=errors, typed=typed)
    return toast(_sites(request, "settings/tracking_sites.html"), _("The site is there. Now put the tracker on it."))


@require_POST
@allow("settings", "edit")
def group(request: HttpRequest, site_id: int) -> HttpResponse:
    """Which sites hand their visitors on to this one."""
    site = sites.find(site_id)
    try:
        sites.define(site.domain, group=request.POST.get("group", ""), actor=actor(request))
    except Invalid as error:
        return _sites(request, "settings/tracking_sites.html", status=422, errors={f"group-{site_id}": next(iter(faults(error).values()))})
    return toast(_sites(request, "settings/tracking_sites.html"), _("Saved"))


@require_POST
@allow("settings", "edit")
def remove(request: HttpRequest, site_id: int) -> HttpResponse:
    """Take no more hits of a site; the toast brings it back with its banner."""
    site = sites.find(site_id)
    sites.archive(site, actor=actor(request))
    undo = {"url": "/settings/tracking/new/", "target": "#tracking-sites", "values": {"domain": site.domain, "group": site.group}}
    return toast(_sites(request, "settings/tracking_sites.html"), _("{domain} sends no more hits.").format(domain=sites.shown(site.domain)), undo)


def _sites(
    request: HttpRequest, template: str, *, status: int = 200, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None
) -> HttpResponse:
    known, modes = sites.known(), {key: label for key, label, _about in MODES}
    rows = [
        {"site": site, "domain": sites.shown(site.domain), "hits": sites.hits_today(site), "mode": modes[site.banner.get("mode", "none")],
         "asks": site.banner.get("mode", "none") != "none", "fault": (errors or {}).get(f"group-{site.pk}", "")}
        for site in known
    ]  # fmt: skip
    context = {
        "rows": rows, "groups": sorted({site.group for site in known if site.group}), "errors": errors or {}, "typed": typed or {},
        "may_edit": permissions.can(request.user, "settings", "edit"), "label": TrackingSettings.label, "here": "sites",
    }  # fmt: skip
    return render(request, template, context, status=status)


# How to install, and the check


@allow("settings", "view")
def install(request: HttpRequest) -> HttpResponse:
    """The steps of one platform (`platform`), for one site (`site`) or any."""
    known = sites.known()
    platform = next((one for one in tracking_steps.PLATFORMS if one.key == request.GET.get("platform")), tracking_steps.PLATFORMS[0])
    site = _chosen(request, known)
    url, since = config().url, _stamp(clock.now())
    context = {
        "platform": platform, "platforms": tracking_steps.PLATFORMS, "steps": tracking_steps.steps(platform.key, url, users.account().pk),
        "shared": tracking_steps.tag(url, site.domain if site else "example.com"), "policy": tracking_steps.policy(url),
        "site": site, "sites": [(one.pk, sites.shown(one.domain)) for one in known], "since": since, "label": TrackingSettings.label,
        "here": "install",
    }  # fmt: skip
    return render(request, "settings/tracking_install.html", {**context, **_state(since, site)})


@allow("settings", "view")
def check(request: HttpRequest) -> HttpResponse:
    """Whether a page view has come in since the page was opened (`since`, in milliseconds); asked for every two seconds until one has."""
    since = request.GET.get("since", "")
    stamp = int(since) if since.isascii() and since.isdigit() and len(since) < 15 else _stamp(clock.now())
    site = _chosen(request, sites.known())
    return render(request, "settings/tracking_check.html", {"since": stamp, "site": site, **_state(stamp, site)})


def _state(stamp: int, site: Site | None) -> dict[str, Any]:
    """The newest view since then, what is still missing of a good installation, and how long nothing has come."""
    now = clock.now()
    since = max(datetime.fromtimestamp(stamp / 1000, UTC), now - LOOKS_BACK)
    seen = sites.latest(since, site.domain if site else "")
    if seen is None:
        return {"seen": None, "slow": now - since > timedelta(seconds=30)}
    covering, missing = sites.of_host(seen.host), []
    if covering is None:
        missing.append(("globe", _("Register {host} under Sites: as long as none is registered, anybody’s site may send.").format(host=sites.shown(seen.host))))
    elif covering.banner.get("mode", "none") == "none":
        missing.append(("cookie", _("Visitors are not told that they are recorded. Give the site a banner if your privacy policy asks for one.")))
    if seen.url.startswith("http://"):
        missing.append(("lock-open", _("The page is not encrypted (http). Others on the way can read what is sent.")))
    if not seen.title:
        missing.append(("heading", _("The page has no title: the timeline will show its address only.")))
    return {"seen": seen, "missing": missing, "ms": max(0, int((now - seen.at).total_seconds()))}


def _chosen(request: HttpRequest, known: tuple[Site, ...]) -> Site | None:
    return next((site for site in known if str(site.pk) == request.GET.get("site")), None)


def _stamp(at: datetime) -> int:
    return int(at.timestamp() * 1000)


# The banner of a site


@allow("settings", "view")
def banner(request: HttpRequest, site_id: int) -> HttpResponse:
    """The editor of a site's banner; POST saves it and answers the form. 422 with the faults under their fields."""
    site = sites.find(site_id)
    errors: dict[str, str] = {}
    values = _kept(site)
    if request.method == "POST":
        permissions.require(request.user, "settings", "edit")
        values = _posted(request)
        try:
            site = sites.define(site.domain, actor=actor(request), banner={**values, "again": request.POST.get("again") == "on"})
        except Invalid as error:
            errors = {problem.path.removeprefix("banner."): problem.message for problem in error.problems}
        else:
            values = _kept(site)
    names, modes = funnel_words.names(), {key: label for key, label, _about in MODES}
    context = {
        "site": site, "domain": sites.shown(site.domain), "mode": values["mode"], "policy_url": values["policy_url"], "errors": errors, "modes": MODES,
        "texts": [(key, name, _inputs(key, values["text"][key], errors)) for key, name in LANGUAGES],
        "frames": _frames(values), "reopen": REOPEN, "asked": bool(site.banner) and site.banner["mode"] != "none",
        "wordings": [{**one, "who": funnel_words.actor_name(one["actor"], names), "mode": modes[one["banner"]["mode"]]} for one in sites.wordings(site)],
        "may_edit": permissions.can(request.user, "settings", "edit"), "label": TrackingSettings.label, "here": "sites",
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "settings/tracking_banner.html", context)
    response = render(request, "settings/tracking_banner_form.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved. Visitors see it within five minutes."))


def _inputs(language: str, words: dict[str, str], errors: dict[str, str]) -> list[tuple[str, str | Promise, str, str, bool]]:
    """Name, label, value and fault of each input of a language, and whether it has several lines."""
    return [(f"{language}.{field}", label, words[field], errors.get(f"text.{language}.{field}", ""), field == "text") for field, label in WORDS.items()]


@require_POST
@allow("settings", "view")
def preview(request: HttpRequest) -> HttpResponse:
    """The banner as it would be with what is typed, in both languages. Saves nothing."""
    return render(request, "settings/tracking_frames.html", {"frames": _frames(_posted(request)), "mode": request.POST.get("mode", "none")})


@allow("settings", "view")
def frame(request: HttpRequest) -> HttpResponse:
    """A blank page with the banner on it: the very script that visitors get, with the words of the address."""
    language = request.GET.get("language", "ko")
    language = language if language in banner_texts.LANGUAGES else "ko"
    words = {field: request.GET.get(field, "") for field in banner_texts.FIELDS}
    shown = {"mode": "ask", "edition": 1, "versions": {language: ""}, "text": {language: words}, "policy_url": "#" if request.GET.get("policy_url") else ""}
    with translation.override(language):
        response = render(request, "settings/tracking_frame.html", {"banner": json.dumps(shown, ensure_ascii=False), "page_language": language})
    response["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return response


def _kept(site: Site) -> dict[str, Any]:
    texts = {language: sites.banner(site, language) for language in banner_texts.LANGUAGES}
    return {"mode": texts["ko"]["mode"], "policy_url": texts["ko"]["policy_url"], "text": texts}


def _posted(request: HttpRequest) -> dict[str, Any]:
    """What is typed. Words that are still the usual ones of another mode become the usual ones of this mode."""
    mode = request.POST.get("mode", "none")
    text: dict[str, dict[str, str]] = {}
    for language in banner_texts.LANGUAGES:
        usual = banner_texts.default(mode, language)
        others = [banner_texts.default(one, language) for one in banner_texts.MODES]
        text[language] = {}
        for field in banner_texts.FIELDS:
            typed = request.POST.get(f"{language}.{field}", "").strip()
            text[language][field] = usual[field] if not typed or typed in [other[field] for other in others] else typed
    return {"mode": mode, "policy_url": request.POST.get("policy_url", "").strip(), "text": text}


def _frames(values: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Address, name and language of the two previews."""
    return [
        (
            "/settings/tracking/frame/?"
            + urlencode({"language": key, "policy_url": values["policy_url"], **{f: values["text"][key][f] for f in banner_texts.FIELDS}}),
            name,
            key,
        )
        for key, name in LANGUAGES
    ]
