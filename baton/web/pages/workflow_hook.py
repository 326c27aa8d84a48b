"""The secret address of a workflow: where programs call it, and the part of the panel that shows and renews it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from baton.automation import hooks
from baton.automation.models import Hook, Workflow
from baton.forms.spam import Pace
from baton.platform import senders
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import toast
from ..page import Page, actor, allow

OFTEN = 6000  # calls of one address, and of one sender, within ten minutes, in one process
_calls, _senders = Pace(), Pace()


class WorkflowHook(Page):
    key = "hooks"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("hooks/workflows/<str:token>/", called),
            path("hooks/workflows/<str:token>", called),
            path("workflows/<int:pk>/hooks/<slug:trigger>/", show),
            path("workflows/<int:pk>/hooks/<slug:trigger>/renew/", renew),
        ]


@csrf_exempt  # the token in the address is the proof
@require_POST
def called(request: HttpRequest, token: str) -> HttpResponse:
    """Enroll whom the JSON names: 202 with `{"id", "enrolled"}`."""
    who = senders.believed(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
    if not _calls.ok(token, OFTEN) or not _senders.ok(who, OFTEN):
        return _refused(429, _("Too many calls. Try again in a minute."), {"Retry-After": "60"})
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        return _refused(400, _("Expected JSON."))
    if len(length) > 10 or int(length) > hooks.LARGEST or len(request.body) > hooks.LARGEST:
        return _refused(413, _("At most {n} KB.").format(n=hooks.LARGEST // 1024))
    try:
        done = hooks.receive(token, request.body, key=request.headers.get("Idempotency-Key", ""))
    except NotFound as error:
        return _refused(404, str(error))
    except Conflict as error:
        return _refused(409, str(error))
    except Invalid as error:
        return JsonResponse({"problems": [{"path": p.path, "code": p.code, "message": p.message} for p in error.problems]}, status=422)
    except ValueError:
        return _refused(400, _("Expected JSON."))
    return JsonResponse({"id": done.id, "enrolled": done.enrolled}, status=202)


def _refused(status: int, text: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": text}, status=status, headers=headers or {})


@require_GET
@allow("workflows", "edit")
def show(request: HttpRequest, pk: int, trigger: str) -> HttpResponse:
    """The address, for those who may edit; made when it is first looked at."""
    workflow = _workflow(pk)
    try:
        address = hooks.address(workflow, trigger, actor(request))
    except ValueError:  # another BATON_SECRET_KEY: it can only be renewed
        address = ""
    return _part(request, workflow, trigger, address)


@require_POST
@allow("workflows", "edit")
def renew(request: HttpRequest, pk: int, trigger: str) -> HttpResponse:
    """Another address at once; the old one is turned away."""
    workflow = _workflow(pk)
    return toast(
        _part(request, workflow, trigger, hooks.renew(workflow, trigger, actor(request))), _("The address is a new one; the old one does not work any more.")
    )


def _part(request: HttpRequest, workflow: Workflow, trigger: str, address: str) -> HttpResponse:
    hook = Hook.objects.get(workflow=workflow, trigger=trigger)
    return render(request, "workflows/hook.html", {"address": address, "hook": hook, "workflow": workflow, "trigger": trigger})


def _workflow(pk: int) -> Workflow:
    found = Workflow.objects.filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(_("This workflow does not exist any more."))
    return found
