"""The door for answers from outside: all checks and the defence against spam, before anything is written."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.crm import mail_domains
from baton.events.wire import is_cookie
from baton.forms import captcha, quarantine, shown, spam, submissions
from baton.forms.models import Form
from baton.forms.spam import Evidence
from baton.forms.submissions import Submission
from baton.platform.errors import Invalid, Problem


def take(form: Form, values: Mapping[str, Any], evidence: Evidence, **about: Any) -> Submission:
    """Take an answer, or put it in quarantine and answer as if it were taken. `about`: what `submissions.submit` takes beside the values.

    Raises Invalid (`fields.<name>`, `consent.<box>`, `captcha`) for what the sender can mend; nothing was written then.
    """
    cookie = about.get("cookie", "")
    cookie = cookie if is_cookie(cookie) else ""
    seen, now = shown.answered(form, about.get("version", 0), cookie), shown.to(form, cookie)
    if not evidence.trap:
        checked = submissions.check(
            form, seen, values, cookie=cookie, boxes=about.get("boxes"), lenient=about.get("lenient", False), uploads=about.get("uploads")
        )
        problems = checked.problems or _thrown_away(now.definition, values)
        if problems:
            raise Invalid(problems)
    reasons = spam.reasons(now.definition, evidence, values, cookie)  # by the rules of today, whatever version was sent
    if now.definition["spam"]["captcha"] and not evidence.trap and evidence.timed:
        verdict = captcha.Verdict.UNREACHABLE if evidence.late else captcha.verify(form, now.definition["spam"], evidence.captcha, evidence.address)
        if verdict is captcha.Verdict.REFUSED:
            raise Invalid.one("captcha", "MISSING_CAPTCHA", _("Please confirm once more that you are a person."))
        if verdict is captcha.Verdict.UNREACHABLE:
            reasons.append("captcha_unreachable")
    about["network"] = spam.network(evidence.address)
    if not reasons:
        return submissions.submit(form, values, **about)
    quarantine.keep(form, seen, reasons, values, about)
    return submissions.as_if_taken(form, seen)


def _thrown_away(definition: Mapping[str, Any], values: Mapping[str, Any]) -> list[Problem]:
    if definition["spam"]["disposable"] != "refuse":
        return []
    return [
        Problem(f"fields.{one['name']}", "BLOCKED_EMAIL", _("Please give an address that you keep."))
        for one in definition["fields"]
        if one["type"] == "email" and "@" in str(values.get(one["name"]) or "") and mail_domains.kind(str(values[one["name"]])) == "disposable"
    ]
