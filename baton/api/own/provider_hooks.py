"""/hooks/<key>/: what providers call. Anybody may ask; who is believed is said in messaging/incoming/provider_hooks.py."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.messaging.incoming import provider_hooks
from baton.platform.errors import NotFound

STATUS: dict[provider_hooks.Answer, int] = {"taken": 200, "forged": 403, "unreadable": 400, "later": 503, "too many": 429}


@csrf_exempt
@require_http_methods(["POST", "HEAD", "GET"])
def receive(request: HttpRequest, key: str) -> HttpResponse:
    """200 as soon as it is written down, also the second time; 403 when it is not the provider's, 400 when nobody can read it, 503 when that cannot be
    told now, 404 for an address that is none of ours."""
    if request.method != "POST":  # some look whether there is anybody
        return HttpResponse(status=200)
    if status := _refused(request):
        return HttpResponse(status=status)
    try:
        body = request.body
    except (SuspiciousOperation, UnreadablePostError, OSError):
        return HttpResponse(status=400)
    if len(body) > provider_hooks.LARGEST:
        return HttpResponse(status=413)
    try:
        answer = provider_hooks.receive(key, body, dict(request.headers), request.META.get("CONTENT_TYPE", ""))
    except NotFound:
        return HttpResponse(status=404)
    return HttpResponse(status=STATUS[answer], headers={"Retry-After": "60"} if answer in ("later", "too many") else None)


def _refused(request: HttpRequest) -> int:
    """Why its body is not even read: of no told length (411), of a wrong one (400), too large (413), packed (415)."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length:
        return 411  # no provider sends in pieces, and Django reads nothing then
    if not (length.isascii() and length.isdigit()):
        return 400
    if len(length) > 10 or int(length) > provider_hooks.LARGEST:
        return 413
    return 0 if request.headers.get("Content-Encoding", "identity").strip().lower() in ("", "identity") else 415


urlpatterns = [path("hooks/<str:key>/", receive)]
