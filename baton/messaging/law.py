"""정보통신망법 about advertising: what it asks of a mail and of its sender, and at which hours it may come. Not legal advice.

The articles are those of 정보통신망 이용촉진 및 정보보호 등에 관한 법률 and its decree (시행령). The gate asks `nights` and `missing`, who builds a mail asks
`labelled` and `footer`, and the settings page shows ARTICLES beside each rule.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from html import escape
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.accounts.models import Account
from baton.messaging.rules import Rules
from baton.platform.config import config

LABEL = "(광고)"  # 시행령 별표 6: the subject of advertising mail begins with exactly this
# Written so that filters miss it, which 별표 6 forbids: spaces, dots and other brackets.
DISGUISED = re.compile(r"[(\[{<（［【]\s*광[\s.,·/_*-]*고\s*[)\]}>）］】]")
NIGHT = (time(21), time(8))  # 제50조③
# What a channel's own carrier holds: KakaoTalk takes advertising until 20:50. E-mail is left out by 시행령 제61조②.
OWN_NIGHTS = {"kakaotalk": (time(20, 50), time(8))}
EXEMPT = frozenset({"email", "inapp"})

ARTICLES: dict[str, str] = {
    "consent": "제50조①",
    "transaction": "제50조①제1호, 시행령 제61조①",
    "refusal": "제50조②",
    "night": "제50조③, 시행령 제61조②",
    "label": "제50조④, 시행령 제61조③·별표 6",
    "sender": "제50조④, 시행령 별표 6",
    "way_out": "제50조④·⑥, 시행령 제62조",
    "result": "제50조⑦, 시행령 제62조의2",
    "confirmation": "제50조⑧, 시행령 제62조의3",
}
SENDER: dict[str, str | Promise] = {
    "name": _("Name of the sender"),
    "postal_address": _("Postal address"),
    "phone": _("Telephone"),
    "contact_email": _("E-mail address"),
}


@dataclass(frozen=True, slots=True)
class Night:
    """Between `begins` and `ends` of the receiver's day no advertising comes on this channel, unless he agreed to that too."""

    channel: str
    begins: time
    ends: time

    def over(self, now: datetime, zone: ZoneInfo) -> datetime:
        """When it ends for somebody in this zone; `now` when it is day there."""
        local = now.astimezone(zone)
        if self.ends <= local.time() < self.begins:
            return now
        day = local.date() + timedelta(days=local.time() >= self.begins)
        return datetime.combine(day, self.ends, zone).astimezone(now.tzinfo)


def nights(channels: list[str], rules: Rules) -> list[Night]:
    """The nights of these channels. A channel nobody named is held to the law's own hours."""
    if not rules.korean:
        return []
    kept = [key for key in channels if key not in EXEMPT or (key == "email" and rules.night_email)]
    return [Night(key, *OWN_NIGHTS.get(key, NIGHT)) for key in kept]


def missing(account: Account, rules: Rules) -> list[str]:
    """What the law wants said of the sender (제50조④) and the account has not filled in: names of SENDER."""
    if not rules.korean:
        return []
    return [name for name in SENDER if not (getattr(account, name) or "").strip()]


def labelled(subject: str, rules: Rules) -> str:
    """The subject of an advertisement as it is sent, after the merge fields are filled in: with the label once, at its very beginning."""
    if not rules.korean:
        return subject
    return f"{LABEL} {DISGUISED.sub('', subject).strip()}".rstrip()


def disguised(subject: str) -> bool:
    """Whether a subject as written has a label that is not the law's own, in form or in place. Merge fields are not filled in here."""
    return any(match.group() != LABEL or match.start() > 0 for match in DISGUISED.finditer(subject.strip()))


def footer(account: Account, rules: Rules) -> list[str]:
    """Lines of HTML for the end of an advertisement, `{{ unsubscribe_url }}` and `{{ preferences_url }}` in them: who sends, and the way out.

    In Korean and in English where the Korean law holds (시행령 별표 6), else in the language of the deployment and in English.
    """
    name = account.legal_name or account.name
    where = " · ".join(escape(part) for part in (name, account.postal_address, account.phone, account.contact_email) if part)
    lines = [where]
    for language in dict.fromkeys(["ko" if rules.korean else config().language, "en"]):
        with translation.override(language):
            why = escape(gettext("You receive this e-mail because you agreed to receive news from {sender}.").format(sender=account.name))
            ask = escape(gettext("If you no longer wish to receive these e-mails:"))
            out, choose = escape(gettext("Unsubscribe")), escape(gettext("Choose what you receive"))
        link = '<a href="{{{{ {target} }}}}" style="color:inherit">{word}</a>'
        lines.append(f"{why} {ask} {link.format(target='unsubscribe_url', word=out)} · {link.format(target='preferences_url', word=choose)}")
    return lines
