"""How the tracker is put on a site, platform by platform: steps in words, with what to copy."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Step = tuple[str, str]  # what to do, and what to copy ("" for nothing)


@dataclass(frozen=True)
class Platform:
    """One tab of the page."""

    key: str
    label: str | Promise


PLATFORMS = (
    Platform("html", gettext_lazy("Plain HTML")),
    Platform("gtm", "Google Tag Manager"),
    Platform("wordpress", "WordPress"),
    Platform("cafe24", gettext_lazy("Cafe24")),
    Platform("imweb", gettext_lazy("Imweb")),
    Platform("wix", "Wix"),
    Platform("react", "Next.js · React · Framer"),
    Platform("hubspot", gettext_lazy("From HubSpot")),
)


def tag(url: str, domain: str = "") -> str:
    """The one line that every page needs."""
    shared = f' data-domain=".{domain}"' if domain else ""
    return f'<script async src="{url}/t/baton.js"{shared}></script>'


def steps(platform: str, url: str, portal: int, domain: str = "") -> list[Step]:
    """The steps of a platform for a Baton at `url`; `portal` is the account's number."""
    line = tag(url, domain)
    if platform == "gtm":
        return [
            (_("In Tag Manager choose Tags, New, and as the type Custom HTML. Paste this line."), line),
            (_("As the trigger choose All Pages. Pages of a single-page application need no trigger of their own: the tracker notices them."), ""),
            (_("Submit, and publish the version."), ""),
        ]
    if platform == "wordpress":
        return [
            (_("With a plugin for header code (for example WPCode): open its header box, paste this line, save."), line),
            (
                _("Or without a plugin: add these lines to the functions.php of your child theme."),
                f"add_action( 'wp_head', function () {{\n  echo '{line}';\n}} );",
            ),
            (_("Empty the cache of your caching plugin, so that old pages without the line are not served."), ""),
        ]
    if platform == "cafe24":
        return [
            (
                _("In the Cafe24 administration open Store settings → Basic settings → SEO → Advanced → Code of your own."),
                "",
            ),
            (_("Paste this line into the Head field, for PC and for mobile, and save."), line),
            (_("A shop with a skin of its own: put the line before </head> of the common layout (layout/basic/layout.html), in the mobile skin too."), ""),
        ]
    if platform == "imweb":
        return [
            (_("In the Imweb administration open Preferences → SEO, header settings → Common code."), ""),
            (_("Paste this line into Header Code and save."), line),
        ]
    if platform == "wix":
        return [
            (_("In the Wix dashboard open Settings → Custom code → Add custom code. The site needs a domain of its own."), ""),
            (_("Paste this line; choose Head, All pages, and load it once."), line),
        ]
    if platform == "react":
        return [
            (_("React, Vue or Svelte with one index.html: put this line before </head>. Changes of the route are noticed by themselves."), line),
            (
                _("Next.js: put this into the root layout."),
                f'import Script from "next/script";\n\n<Script src="{url}/t/baton.js" strategy="afterInteractive" />',
            ),
            (_("Framer: Site settings → General → Custom code, start of <head>. Paste the first line."), ""),
            (
                _("To tell of something of your own, a sign-up for example, define the event in Baton and call this."),
                'baton.track("signed_up", { plan: "team" });',
            ),
        ]
    if platform == "hubspot":
        return [
            (
                _("Keep HubSpot’s line and change its address only. The number may stay."),
                f'<script id="hs-script-loader" async defer src="{url}/{portal}.js"></script>',
            ),
            (
                _("Your _hsq calls, the hubspotutk cookie and scripts that read it go on working: visitors that HubSpot knew are the same visitors in Baton."),
                '_hsq.push(["identify", { email: "…" }]);\n_hsq.push(["trackPageView"]);',
            ),
            (
                _("Embedded forms: change the address of this line. hbspt.forms.create stays as it is; the form must be in Baton under the same id."),
                f'<script src="{url}/forms/embed/v2.js"></script>',
            ),
            (_("When nothing of the site asks for HubSpot’s names any more, use the plain line instead."), line),
        ]
    return [(_("Put this line before </head> on every page of your site."), line), (_("Publish, then open a page of your site: the check here sees it."), "")]


def policy(url: str) -> str:
    """What a Content-Security-Policy must allow, one directive a line."""
    return f"script-src {url};\nconnect-src {url};"
