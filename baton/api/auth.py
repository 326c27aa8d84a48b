"""Who is calling: a Bearer token, and whether its scopes allow the call."""

from django.http import HttpRequest

from baton.accounts import tokens
from baton.accounts.models import ApiToken
from baton.api import limits
from baton.api.errors import Failure
from baton.platform.actor import Actor

LONGEST = 300  # characters of a token

# What HubSpot calls a right -> what Baton calls it. Both are accepted on a token and named in the 403.
HUBSPOT = {
    "contacts": "crm.objects.contacts",
    "companies": "crm.objects.companies",
    "deals": "crm.objects.deals",
    "tickets": "tickets",
}


class Needs:
    """`auth=Needs("contacts.read")`: the call goes through with a token that has the scope (one of several), and counts against its limit."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes

    def needed(self, request: HttpRequest) -> tuple[str, ...]:
        """The scopes of which one is enough; none: every live token may call."""
        return self.scopes

    def __call__(self, request: HttpRequest) -> ApiToken:
        token = authenticate(request)
        limits.take(request, token)
        self.check(request, token)
        return token

    def check(self, request: HttpRequest, token: ApiToken) -> None:
        """Raises Failure 403 when the token may not do this."""
        needed = self.needed(request)
        if needed and not any(tokens.allows(token, scope) for scope in needed):
            raise missing_scopes(*needed)


def missing_scopes(*scopes: str) -> Failure:
    """403: the token has none of these scopes."""
    return Failure(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(dict.fromkeys(name for scope in scopes for name in (hubspot_scope(scope), scope)))},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def authenticate(request: HttpRequest) -> ApiToken:
    """The token of the request's Authorization header. Raises Failure 401."""
    scheme, _, plain = request.headers.get("Authorization", "").strip().partition(" ")
    plain = plain.strip()
    token = tokens.find(plain) if scheme.lower() == "bearer" and 0 < len(plain) <= LONGEST else None
    if token is None:
        raise Failure(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at"
            " https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            headers={"WWW-Authenticate": 'Bearer realm="Baton"'},
        )
    return token


def actor(request: HttpRequest) -> Actor:
    """Who a write of this request is by."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # set by ninja from what Needs returned
    return Actor("token", token.pk)


def hubspot_scope(scope: str) -> str:
    """crm.objects.contacts.read for contacts.read; the same name where HubSpot has none."""
    resource, _, verb = scope.partition(".")
    return f"{HUBSPOT[resource]}.{verb}" if resource in HUBSPOT else scope
