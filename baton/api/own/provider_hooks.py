"""/hooks/<key>/: what providers call. Anybody may ask; who is believed is said in messaging/incoming/provider_hooks.py."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.messaging.incoming import provider_hooks
from baton.platform.errors import NotFound


@csrf_exempt
@require_http_methods(["POST", "HEAD", "GET"])
def receive(request: HttpRequest, key: str) -> HttpResponse:
    """200 as soon as it is written down, also the second time; 403 when it is not the provider's; 404 for an address that is none of ours."""
    if request.method != "POST":  # some look whether there is anybody
        return HttpResponse(status=200)
    if int(request.META.get("CONTENT_LENGTH") or 0) > provider_hooks.LARGEST:
        return HttpResponse(status=413)
    try:
        ours = provider_hooks.receive(key, request.body, dict(request.headers), request.META.get("CONTENT_TYPE", ""))
    except NotFound:
        return HttpResponse(status=404)
    return HttpResponse(status=200 if ours else 403)


urlpatterns = [path("hooks/<str:key>/", receive)]
