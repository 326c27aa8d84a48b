"""What every answer of the pages has in common: security headers, the user's language, errors as pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Next = Callable[[HttpRequest], HttpResponse]


class SecurityHeaders:
    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class Language(SecurityHeaders):
    pass


class DomainErrors(SecurityHeaders):
    pass
