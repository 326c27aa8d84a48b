"""The form of a campaign: what was posted, as the fields of campaigns.verbs.change; and the same read from a campaign."""

from typing import Any

from django.http import QueryDict

from baton.crm.calendar import WEEK
from baton.messaging.campaigns import ab
from baton.messaging.models import Campaign, Variant

from . import campaign_goal

Fields = dict[str, Any]


def of(campaign: Campaign) -> Fields:
    """What is stored."""
    variants = [
        {"email_id": row.email_id, "subject": row.subject, "from_name": row.from_name}
        for row in Variant.objects.filter(campaign=campaign).order_by("key")
    ]  # fmt: skip
    return {
        "name": campaign.name, "email_id": campaign.email_id, "audience": campaign.audience, "plan": campaign.plan, "test": campaign.test,
        "goal": campaign.goal, "variants": variants,
    }  # fmt: skip


def read(given: QueryDict, before: Fields) -> Fields:
    """What was posted; the audience of a second sending keeps whom it is for."""
    email = _number(given.get("email", ""))
    audience = {
        **{key: ids for key, ids in before["audience"].items() if key in ("contacts", "except_contacts") and ids},
        "lists": [n for n in map(_number, given.getlist("lists")) if n],
        "except": [n for n in map(_number, given.getlist("except")) if n],
    }
    variants, test = _variants(given, email)
    return {
        "name": given.get("name", ""), "email_id": email or None, "audience": {key: ids for key, ids in audience.items() if ids}, "plan": _plan(given),
        "test": test, "goal": campaign_goal.read(given, before["goal"]), "variants": variants,
    }  # fmt: skip


def _plan(given: QueryDict) -> Fields:
    plan: Fields = {}
    if given.get("when") == "at":
        plan["at"] = f"{given.get('day', '')}T{given.get('time') or '10:00'}"
        if given.get("zones") == "contact":
            plan["zones"] = "contact"
    if given.get("hours") == "window":
        plan |= {"days": [day for day in WEEK if day in given.getlist("days")], "from": given.get("from") or "09:00", "to": given.get("to") or "18:00"}
        if given.get("holidays"):
            plan["holidays"] = True
        if "zones" not in plan and given.get("window_zones") == "contact":
            plan["zones"] = "contact"
    if given.get("pace") == "hourly":
        plan["per_hour"] = _whole(given.get("per_hour", ""), 1000)
    elif given.get("pace") == "warm_up":
        plan["warm_up"] = {"first": _whole(given.get("first", ""), 50), "growth": _decimal(given.get("growth", ""), 2.0)}
    return plan


def _variants(given: QueryDict, email: int) -> tuple[list[Fields], Fields]:
    """The variants, and the test when there are two or more. `add` and `drop` (a place) change how many."""
    if not email:
        return [], {}
    if given.get("testing") != "on":
        return [{"email_id": email, "subject": "", "from_name": ""}], {}
    rows = [
        {"email_id": _number(mail) or email, "subject": subject, "from_name": sender}
        for mail, subject, sender in zip(given.getlist("v_email"), given.getlist("v_subject"), given.getlist("v_from"), strict=False)
    ] or [{"email_id": email, "subject": "", "from_name": ""}]
    rows[0]["email_id"] = email
    drop = given.get("drop", "")
    if drop.isascii() and drop.isdecimal() and 0 < int(drop[:3]) < len(rows) and len(rows) > 2:
        del rows[int(drop)]
    while len(rows) < 2 or (given.get("add") and len(rows) < ab.MOST):
        rows.append({"email_id": email, "subject": "", "from_name": ""})
        if len(rows) >= 2 and given.get("add"):
            break
    test: Fields = {
        "share": _whole(given.get("share", ""), 20), "metric": given.get("metric") or "opened", "hours": _whole(given.get("test_hours", ""), 24),
        "otherwise": given.get("otherwise") or "a",
    }  # fmt: skip
    return rows[: ab.MOST], test


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _whole(text: str, usual: int) -> int:
    """A whole number as it was given, also one that is too large or none: the refusal names it."""
    text = text.strip().replace(",", "")
    if not text:
        return usual
    return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdecimal() and len(text) < 15 else -1


def _decimal(text: str, usual: float) -> float:
    try:
        return float(text.strip()[:10]) if text.strip() else usual
    except ValueError:
        return -1.0
