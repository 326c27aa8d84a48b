"""Stibee: its CSV export of an address book with all states, and its API v2 (AccessToken). An unsubscription is one of a list there.

What its lists of people are called in the answers of v2 differs between plans and times, so the usual names are all tried; a person without a state that is
known is taken over as nobody who agreed.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from baton.crm.imports import parse
from baton.crm.values import Fault
from baton.messaging.consent.movers.mailchimp import fetched
from baton.messaging.consent.movers.people import Status, Subscriber, moment
from baton.platform.errors import Invalid

LABEL = "스티비"
BASE = "https://api.stibee.com/v2"
PAGE = 1000
ROWS = ("items", "subscribers", "data", "list", "lists", "value", "Value", "content", "results")
STATES: dict[str, Status] = {
    "구독중": "subscribed", "구독": "subscribed", "subscribed": "subscribed", "subscribe": "subscribed", "active": "subscribed", "s": "subscribed",
    "수신거부": "unsubscribed", "구독취소": "unsubscribed", "unsubscribed": "unsubscribed", "unsubscribe": "unsubscribed",
    "d": "unsubscribed", "deny": "unsubscribed",
    "자동삭제": "cleaned", "autodeleted": "cleaned", "autodelete": "cleaned", "bounced": "cleaned", "hardbounce": "cleaned",
    "구독대기": "pending", "미확인": "pending", "pending": "pending", "unconfirmed": "pending",
    "완전삭제": "unknown", "삭제": "unknown", "deleted": "unknown",
}  # fmt: skip
EMAIL = ("이메일 주소", "이메일", "email")
NAME = ("이름", "name")
STATE = ("구독 상태", "상태", "status")
ADS = ("광고성 정보 수신 동의", "광고성 정보 수신동의", "$ad_agreed", "adAgreed", "ad_agreed")
SINCE = ("구독일", "구독일시", "구독 일시", "추가일", "추가일시", "subscribedTime", "subscribedAt", "createdTime", "createdAt")
LEFT = ("수신거부일", "수신거부일시", "삭제일", "자동삭제일", "unsubscribedTime", "unsubscribedAt", "deletedTime", "modifiedTime", "updatedTime")
WHY = ("수신거부 사유", "사유", "자동삭제 사유", "reason")
GROUPS = ("그룹", "groups", "groupNames")
VALUES = {"company": ("회사", "회사명", "company"), "phone": ("전화번호", "휴대폰", "연락처", "phone"), "jobtitle": ("직함", "직책", "직급")}


def is_mine(headers: list[str]) -> bool:
    """Whether a file with these headers is one of its exports."""
    return any(h in headers for h in EMAIL[:2]) and any(h in headers for h in (*STATE, *ADS, *SINCE[:5], *GROUPS))


def read(row: Mapping[str, Any], default: Status = "unknown", list_name: str = "") -> Subscriber:
    """A line of an export, or a person of the API; fields of one's own may lie one level deeper."""
    flat = {**{k: v for part in ("fields", "customFields") if isinstance(row.get(part), dict) for k, v in row[part].items()}, **row}
    status = STATES.get(_first(flat, STATE).replace(" ", "").lower(), default)
    ads = _first(flat, ADS)
    if status == "subscribed" and any(name in flat for name in ADS) and not _yes(ads):
        status = "refused"  # what is left empty is no agreement either
    agreed, left = moment(_first(flat, SINCE)), moment(_first(flat, LEFT))
    values = {name: text for name, columns in VALUES.items() if (text := _first(flat, columns))}
    if whole := _first(flat, NAME):
        last, first = parse.full_name(whole)
        values |= {"lastname": last} | ({"firstname": first} if first else {})
    found = next((flat[name] for name in GROUPS if flat.get(name)), "")
    groups = [str(g.get("name") or g.get("id") or "") if isinstance(g, dict) else str(g) for g in (found if isinstance(found, list) else str(found).split(","))]
    proof = {"ad_agreed": ads} if ads else {}
    return Subscriber(
        _first(flat, EMAIL), status, agreed, left if status in ("unsubscribed", "cleaned") else None, _first(flat, WHY),
        tuple(dict.fromkeys(g.strip() for g in groups if g.strip())), values, proof, list_name,
    )  # fmt: skip


class Api:
    """Version 2. It may be asked for people a hundred times a minute."""

    def __init__(self, key: str) -> None:
        self.headers = {"AccessToken": key.strip()}

    def lists(self) -> list[tuple[str, str]]:
        """Its address books; only some plans may ask for them."""
        rows = _rows(fetched(f"{BASE}/lists?{urlencode({'offset': 0, 'limit': 100})}", self.headers, LABEL))
        return [(str(one.get("id") or one.get("listId")), str(one.get("name") or one.get("label") or one.get("id"))) for one in rows]

    def page(self, cursor: Mapping[str, Any], lists: list[str]) -> tuple[list[Subscriber], dict[str, Any] | None]:
        """Address book by address book, all states."""
        at, offset = int(cursor.get("list", 0)), int(cursor.get("offset", 0))
        if at >= len(lists):
            return [], None
        rows = _rows(fetched(f"{BASE}/lists/{lists[at]}/subscribers?{urlencode({'offset': offset, 'limit': PAGE})}", self.headers, LABEL))
        found = [read(one) for one in rows]
        first = found[0].email if found else ""
        if rows and first == cursor.get("first"):
            raise Invalid.one("key", "REFUSED", _("{service} answers the same people again and again.").format(service=LABEL))
        if rows:
            return found, {"list": at, "offset": offset + len(rows), "first": first}
        return found, {"list": at + 1, "offset": 0} if at + 1 < len(lists) else None


def _rows(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    for name in ROWS:
        if isinstance(body.get(name), list):
            return [row for row in body[name] if isinstance(row, dict)]
        if isinstance(body.get(name), dict):
            return _rows(body[name])
    return []


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name) not in (None, "")), "")


def _yes(text: str) -> bool:
    try:
        return parse.answer(text) is True
    except Fault:
        return False
