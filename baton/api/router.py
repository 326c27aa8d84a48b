"""The manners all resources of the API share, put around django-ninja (why, and what of it: docs/decisions/0003-api-framework.md)."""

import json
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path, re_path
from django.utils import translation
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import JSONRenderer

from baton.api import errors, limits
from baton.api.errors import Failure
from baton.api.versions import AnyVersion
from baton.platform import logs
from baton.platform.errors import DomainError

CONTENT_TYPE = "application/json;charset=utf-8"
log = logs.log(__name__)
View = Callable[..., HttpResponseBase]


class Lists(Parser):
    """List parameters arrive repeated, comma separated, or both."""

    def parse_querydict(self, data: MultiValueDict[str, str], list_fields: list[str], request: HttpRequest) -> dict[str, Any]:
        return {
            key: [item.strip() for text in data.getlist(key) for item in text.split(",") if item.strip()] if key in list_fields else data[key] for key in data
        }


class Renderer(JSONRenderer):
    json_dumps_params = {"ensure_ascii": False}


class Api(NinjaAPI):
    def get_content_type(self) -> str:
        return CONTENT_TYPE


def api(routers: list[Router]) -> Api:
    """One API over the routers of all areas."""
    made = Api(title="Baton", version="1", urls_namespace="api", renderer=Renderer(), parser=Lists(), openapi_url=None, docs_url=None)
    for router in routers:
        made.add_router("", router)
    for kind in (Failure, DomainError, ValidationError, HttpError, Http404):
        made.add_exception_handler(kind, _explain)
    return made


def urls(made: Api) -> URLResolver:
    """Every path of the API in all its versions, with and without a slash at its end, for every method; see versions.py."""
    found = {str(pattern.pattern).rstrip("/"): pattern.callback for pattern in made._get_urls()}
    routes = sorted(filter(None, found), key=lambda route: [part.startswith("<") for part in route.split("/")])  # `/search` before `/{id}`
    return URLResolver(AnyVersion(), [path(route, manners(view)) for route in routes if (view := found[route])])


def unknown(prefixes: str) -> URLPattern:
    """Answers the paths under these prefixes (a regular expression) that nobody else does."""
    return re_path(rf"^(?:{prefixes})/", manners(_no_route))


def manners(view: View) -> View:
    """What every answer has: a correlation id, English texts (programs parse them), rate-limit headers, an envelope for every error."""

    @csrf_exempt
    @wraps(view)
    def around(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.correlation_id = str(uuid.uuid4())  # type: ignore[attr-defined]
        with translation.override("en"):
            try:
                response = view(request, *args, **kwargs)
            except Failure as failure:
                response = errors.answer(request, failure)
            except RequestDataTooBig:
                response = errors.answer(request, Failure(413, "VALIDATION_ERROR", "The request is too large."))
            except SuspiciousOperation:
                response = errors.answer(request, Failure(400, "VALIDATION_ERROR", "The request has too many parameters."))
            except DataError as error:
                log.warning("the database refused a value", path=request.path, error=str(error).splitlines()[0])
                response = errors.answer(request, Failure(400, "VALIDATION_ERROR", "The request contains characters that cannot be stored."))
            except OperationalError:
                log.exception("database_away", correlation_id=request.correlation_id)  # type: ignore[attr-defined]
                response = errors.answer(request, Failure(503, "UNAVAILABLE", "The database does not answer. Try again.", headers={"Retry-After": "5"}))
            except Exception:
                log.exception("api_error", path=request.path, correlation_id=request.correlation_id)  # type: ignore[attr-defined]
                response = errors.answer(request, Failure(500, "INTERNAL_ERROR", "internal error"))
        if response.status_code == 405:
            allowed = response.headers.get("Allow", "")
            response = errors.answer(request, Failure(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed here.", headers={"Allow": allowed}))
        response["Content-Language"] = "en"
        response["X-HubSpot-Correlation-Id"] = request.correlation_id  # type: ignore[attr-defined]
        limits.write(request, response)
        return response

    return around


def _explain(request: HttpRequest, error: Any) -> HttpResponse:
    """The envelope for whatever a resource or ninja raised."""
    match error:
        case Failure():
            failure = error
        case DomainError():
            failure = errors.of(error)
        case ValidationError():
            failure = errors.invalid_request(error.errors)
        case HttpError(status_code=400):
            failure = _unreadable(request.body)
        case HttpError():
            failure = Failure(error.status_code, "ERROR", str(error))
        case _:
            failure = Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    return errors.answer(request, failure)


def _unreadable(body: bytes) -> Failure:
    """A body that is no JSON: say where it breaks."""
    where, reason = (1, 1), "it cannot be read"
    try:
        json.loads(body)
    except json.JSONDecodeError as fault:
        where, reason = (fault.lineno, fault.colno), fault.msg
    except ValueError:
        reason = "it is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    return Failure(400, "VALIDATION_ERROR", f"Invalid input JSON on line {where[0]}, column {where[1]}: {reason}")


def _no_route(request: HttpRequest) -> HttpResponse:
    raise Failure(404, "OBJECT_NOT_FOUND", f"There is no resource at {request.path}")
