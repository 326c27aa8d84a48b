"""`/account-info/v3`, `/oauth/…`, `/business-units/…`: which account this is, and what a token may do."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from baton.accounts import scopes, tokens, users
from baton.accounts.models import ApiToken, User
from baton.api import auth, limits
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.crm.values import stamp
from baton.platform import clock
from baton.platform.config import config

router = Router(tags=["account"])
ANY = Needs()  # every live token


class Details(Schema):
    """The account."""

    portalId: int
    accountType: str = "STANDARD"
    timeZone: str
    companyCurrency: str
    additionalCurrencies: list[str]
    utcOffset: str
    utcOffsetMilliseconds: int
    uiDomain: str
    dataHostingLocation: str


class TokenKey(Schema):
    tokenKey: str


@router.get("/account-info/v3/details", auth=ANY, response=Details, summary="Account details")
def details(request: HttpRequest) -> dict[str, Any]:
    """Number, time zone and currency of the account."""
    now = clock.now().astimezone(config().zone)
    offset = now.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    return {
        "portalId": users.account().pk,
        "accountType": "STANDARD",
        "timeZone": config().time_zone,
        "companyCurrency": users.account().currency,
        "additionalCurrencies": [],
        "utcOffset": f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": config().url.partition("://")[2],
        "dataHostingLocation": "self-hosted",
    }


@router.get("/account-info/v3/api-usage/daily/private-apps", auth=ANY, response=dict[str, Any], summary="Calls today")
def usage(request: HttpRequest) -> dict[str, Any]:
    """How often the calling token called today, as far as this process knows."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    _left, today = getattr(request, "rate_limit", (0, limits.DAILY))
    now = clock.now()
    row = {
        "name": token.name,
        "usageLimit": limits.DAILY,
        "currentUsage": limits.DAILY - today,
        "collectedAt": stamp(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": stamp(_midnight(now)),
    }
    return {"results": [row]}


@router.get("/business-units/v3/business-units/user/{user_id}", auth=ANY, response=dict[str, Any], summary="Business units of a user")
def business_units(request: HttpRequest, user_id: str) -> dict[str, Any]:
    """Baton has one account and no parts of it."""
    return {"results": []}


@router.post("/oauth/v2/private-apps/get/access-token-info", auth=ANY, response=dict[str, Any], summary="What a token may do")
def private_app(request: HttpRequest, body: TokenKey) -> dict[str, Any]:
    """Whose token this is and what it may do."""
    token = _token(body.tokenKey)
    return {"userId": _user_id(token), "hubId": users.account().pk, "appId": token.pk, "scopes": _scopes(token)}


@router.get("/oauth/v1/access-tokens/{token}", response=dict[str, Any], summary="What an access token may do")
def access_token(request: HttpRequest, token: str) -> dict[str, Any]:
    """The same in the words of OAuth; who has the token may ask."""
    found = _token(token)
    user = User.objects.filter(pk=_user_id(found)).first()
    return {
        "token": token,
        "user": user.email if user else "",
        "user_id": user.pk if user else 0,
        "hub_id": users.account().pk,
        "hub_domain": config().url.partition("://")[2],
        "app_id": found.pk,
        "scopes": _scopes(found),
        "expires_in": 1800,
        "token_type": "access",
    }


def _token(plain: str) -> ApiToken:
    """Raises Failure 404."""
    found = tokens.find(plain) if 0 < len(plain) <= auth.LONGEST else None
    if found is None:
        raise Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    return found


def _user_id(token: ApiToken) -> int:
    """Who made the token; for one made on the command line the first administrator, since programs look up an owner by it."""
    if token.created_by_id is not None:
        return token.created_by_id
    first = User.objects.filter(role="admin", is_active=True).order_by("pk").values_list("pk", flat=True).first()
    if first is None:
        first = User.objects.order_by("pk").values_list("pk", flat=True).first()
    return first or 0


def _scopes(token: ApiToken) -> list[str]:
    """In HubSpot's names, which programs look for."""
    return sorted({name for scope in token.scopes for name in theirs(scope)})


def theirs(scope: str) -> list[str]:
    """HubSpot's names for one of Baton's scopes; what writes also reads."""
    if scope == scopes.ALL:
        return [name for one in sorted(scopes.OWN - {scopes.ALL}) for name in theirs(one)]
    resource, _, verb = scope.partition(".")
    reads = [f"{resource}.read"] if verb == "write" else []
    exact = [name for name, mine in scopes.HUBSPOT.items() if mine == (scope,)]
    if resource in ("contacts", "companies", "deals", "products", "line_items", "quotes", "custom", "owners"):
        exact.append(f"crm.objects.{scope}")
    if resource == "schemas":
        exact += [f"crm.schemas.{of}.{verb}" for of in ("contacts", "companies", "deals", "custom")]
    return [*(exact or [scope]), *(name for one in reads for name in theirs(one))]


def _midnight(now: datetime) -> datetime:
    local = now.astimezone(config().zone)
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
