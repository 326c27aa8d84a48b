"""Mailchimp: its export (three CSV files in a ZIP, or one of them) and its API 3.0. Times are UTC; opt-ins carry time and address as proof."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from baton.messaging.consent.movers.people import Patience, Status, Subscriber, moment
from baton.platform import http
from baton.platform.errors import Invalid

LABEL = "Mailchimp"
PAGE = 400  # an answer of 1 MB at most is read
STATUSES: tuple[Status, ...] = ("subscribed", "unsubscribed", "cleaned", "pending")
KEY = re.compile(r"^[0-9A-Za-z]{20,64}-([a-z]{2,4}[0-9]{1,3})$")
WANTED = (
    "email_address", "status", "merge_fields", "interests", "tags", "ip_signup", "timestamp_signup", "ip_opt", "timestamp_opt", "last_changed",
    "unsubscribe_reason", "marketing_permissions", "source",
)  # fmt: skip
EMAIL = ("Email Address", "Email", "E-mail", "이메일 주소", "이메일")  # it is called as the account wishes
VALUES = {
    "firstname": ("First Name", "FNAME"),
    "lastname": ("Last Name", "LNAME"),
    "phone": ("Phone Number", "Phone", "PHONE"),
    "company": ("Company", "COMPANY"),
}


def is_mine(headers: list[str]) -> bool:
    """Whether a file with these headers is one of its exports."""
    return any(name in headers for name in EMAIL) and len({"MEMBER_RATING", "OPTIN_TIME", "CONFIRM_TIME", "LEID", "EUID", "LAST_CHANGED"} & {*headers}) >= 3


def status_of(headers: list[str], name: str) -> Status:
    """Of everybody in a file: its own columns tell, else its name. Contacts who bought or wrote but never agreed are a file of their own ("nonsubscribed").

    Of a file that says nothing people come along as not confirmed: nobody agrees by the name somebody gave a file.
    """
    name = name.lower().replace("-", "").replace("_", " ")
    if "CLEAN_TIME" in headers or "cleaned" in name:
        return "cleaned"
    if "UNSUB_TIME" in headers or "unsubscribed" in name:
        return "unsubscribed"
    if any(word in name for word in ("nonsubscribed", "transactional", "archived")):
        return "refused"
    return "subscribed" if "subscribed" in name else "pending"


def read(row: Mapping[str, str], status: Status) -> Subscriber:
    """A line of an export."""
    confirmed, asked = moment(row.get("CONFIRM_TIME"), utc=True), moment(row.get("OPTIN_TIME"), utc=True)
    proof = {name.lower(): row[name] for name in ("OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "EUID") if row.get(name)}
    reason = " · ".join(
        part for part in (row.get("UNSUB_REASON"), row.get("UNSUB_REASON_OTHER"), row.get("UNSUB_CAMPAIGN_TITLE"), row.get("CLEAN_CAMPAIGN_TITLE")) if part
    )
    left = moment(row.get("UNSUB_TIME") or row.get("CLEAN_TIME"), utc=True)
    values = {name: text for name, columns in VALUES.items() if (text := next((row[c].strip() for c in columns if row.get(c)), ""))}
    email = next((row[name] for name in EMAIL if row.get(name)), "")
    return Subscriber(email, status, confirmed or asked, left, reason, _tags(row.get("TAGS", "")), values, proof)


def _tags(cell: str) -> tuple[str, ...]:
    r"""Quoted names within the cell: `"VIP","Blog"`."""
    return tuple(dict.fromkeys(part.strip() for part in re.findall(r'"([^"]*)"|([^,"]+)', cell) for part in part if part.strip()))


class Api:
    """Version 3.0 with a key of the account; its data centre is in the key."""

    def __init__(self, key: str) -> None:
        found = KEY.match(key.strip())
        if not found:
            raise Invalid.one("key", "INVALID", _("That is no API key of Mailchimp: it ends in a hyphen and the data centre, such as -us21."))
        self.base = f"https://{found[1]}.api.mailchimp.com/3.0"
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"baton:{key.strip()}".encode()).decode()}
        self._interests: dict[str, dict[str, str]] = {}

    def lists(self) -> list[tuple[str, str]]:
        """Its audiences."""
        return [(str(one["id"]), str(one.get("name") or one["id"])) for one in self._get("/lists", count=1000, fields="lists.id,lists.name").get("lists", [])]

    def page(self, cursor: Mapping[str, Any], lists: list[str]) -> tuple[list[Subscriber], dict[str, Any] | None]:
        """Audience by audience, state by state; opted-out people come last, so that no list later opens what an earlier one closed."""
        at, of, offset = int(cursor.get("list", 0)), int(cursor.get("status", 0)), int(cursor.get("offset", 0))
        if at >= len(lists):
            return [], None
        fields = ",".join(["total_items", *(f"members.{name}" for name in WANTED)])
        body = self._get(f"/lists/{lists[at]}/members", count=PAGE, offset=offset, status=STATUSES[of], fields=fields)
        members = body.get("members", [])
        found = [self._person(one, lists[at]) for one in members]
        if members and offset + len(members) < int(body.get("total_items") or 0):
            return found, {"list": at, "status": of, "offset": offset + len(members)}
        if of + 1 < len(STATUSES):
            return found, {"list": at, "status": of + 1, "offset": 0}
        return found, {"list": at + 1, "status": 0, "offset": 0} if at + 1 < len(lists) else None

    def _person(self, one: Mapping[str, Any], list_id: str) -> Subscriber:
        fields = {name: str(value) for name, value in (one.get("merge_fields") or {}).items() if isinstance(value, str)}
        values = {name: text for name, columns in VALUES.items() if (text := next((fields[c].strip() for c in columns if fields.get(c)), ""))}
        names = self._names(list_id) if any((one.get("interests") or {}).values()) else {}
        groups = [names.get(id, "") for id, yes in (one.get("interests") or {}).items() if yes] + [str(tag.get("name") or "") for tag in one.get("tags") or []]
        status: Status = next((status for status in STATUSES if status == one.get("status")), "unknown")
        proof = {name: one[name] for name in ("timestamp_signup", "ip_signup", "timestamp_opt", "ip_opt", "source") if one.get(name)}
        proof |= {"list": list_id} | ({"permissions": one["marketing_permissions"]} if one.get("marketing_permissions") else {})
        left = moment(one.get("last_changed"), utc=True) if status in ("unsubscribed", "cleaned") else None
        agreed = moment(one.get("timestamp_opt") or one.get("timestamp_signup"), utc=True)
        reason, named = str(one.get("unsubscribe_reason") or ""), tuple(dict.fromkeys(group for group in groups if group))
        return Subscriber(str(one.get("email_address") or ""), status, agreed, left, reason, named, values, proof)

    def _names(self, list_id: str) -> dict[str, str]:
        """Interest groups of an audience by id, asked once."""
        if list_id not in self._interests:
            found: dict[str, str] = {}
            for category in self._get(f"/lists/{list_id}/interest-categories", count=100).get("categories", []):
                rows = self._get(f"/lists/{list_id}/interest-categories/{category['id']}/interests", count=200).get("interests", [])
                found |= {str(row["id"]): str(row["name"]) for row in rows}
            self._interests[list_id] = found
        return self._interests[list_id]

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        return fetched(f"{self.base}{path}?{urlencode(query)}", self.headers, LABEL)


def fetched(url: str, headers: Mapping[str, str], label: str) -> dict[str, Any]:
    """A JSON answer. Raises Patience where waiting helps, Invalid (`key`) where it does not."""
    try:
        answer = http.get(url, headers=headers)
    except http.Unreachable as error:
        raise Patience(str(error)) from None
    if answer.status == 429 or answer.status >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise Patience(_("{service} asks for patience ({status}).").format(service=label, status=answer.status), float(wait) if wait.isdecimal() else 60.0)
    try:
        body = json.loads(answer.text)
    except ValueError:
        body = None
    if answer.status in (401, 403):
        raise Invalid.one("key", "REFUSED", _("{service} does not accept this key.").format(service=label))
    if answer.status != 200 or not isinstance(body, (dict, list)):
        said = str(body.get("detail") or body.get("message") or "")[:300] if isinstance(body, dict) else ""
        raise Invalid.one("key", "REFUSED", _("{service} answered {status}. {said}").format(service=label, status=answer.status, said=said))
    return body if isinstance(body, dict) else {"items": body}
