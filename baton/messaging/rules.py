"""The rules of sending that an account may change: the law that holds, how often people are written to, when bounces count. Stored in Account.sending."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.accounts.models import Account
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem

LAWS = ("kr", "none")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an account may change. Numbers are bounded by BOUNDS."""

    law: str = ""  # kr: 정보통신망법 holds; none: only what every mail provider asks for; "": as the language of the deployment says
    cap_messages: int = 0  # marketing messages a person gets at most; 0: no limit
    cap_days: int = 7  # in so many days
    night_email: bool = False  # keep advertising mail back at night too, although the law leaves e-mail out
    soft_bounces: int = 5  # soft bounces in a row, without a delivery between them
    soft_days: int = 10  # over at least so many days, after which a person is not written to
    result_notice: bool = True  # tell people the result of their agreement or refusal (제50조⑦)
    confirm_notice: bool = True  # remind them of their agreement every two years (제50조⑧)
    confirm_ahead: int = 30  # days before the two years are over

    @property
    def korean(self) -> bool:
        """Whether the Korean rules about advertising hold."""
        return self.law == "kr" or (not self.law and config().language == "ko")


BOUNDS = {"cap_messages": (0, 100), "cap_days": (1, 365), "soft_bounces": (1, 50), "soft_days": (0, 365), "confirm_ahead": (1, 180)}
SWITCHES = ("night_email", "result_notice", "confirm_notice")
USUAL = Rules()


def rules() -> Rules:
    """As the account chose."""
    return of(users.account())


def of(account: Account) -> Rules:
    """As this account chose; the account may be read within seconds by another process (users.FRESH)."""
    names = {f.name for f in fields(Rules)}
    return Rules(**{name: value for name, value in account.sending.items() if name in names})


def change(values: Mapping[str, Any], *, actor: Actor) -> Rules:
    """Change what is given; the history keeps it. Raises Invalid with the names."""
    problems = [
        Problem(name, "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=least, most=most))
        for name, (least, most) in BOUNDS.items()
        if name in values and not (type(values[name]) is int and least <= values[name] <= most)
    ]
    problems += [Problem(name, "INVALID_BOOLEAN", _("Expected yes or no.")) for name in SWITCHES if name in values and not isinstance(values[name], bool)]
    if "law" in values and values["law"] not in ("", *LAWS):
        problems.append(Problem("law", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(LAWS))))
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        before = Account.objects.select_for_update().get(pk=users.account().pk).sending
        chosen = {**before, **{name: values[name] for name in asdict(USUAL) if name in values}}
        users.update_account(actor=actor, sending={name: value for name, value in chosen.items() if value != getattr(USUAL, name, None)})
    return rules()
