"""Settings: a card for every page below /settings/ that the user may open."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from ..page import Page, allow, user
from ..settings_page import cards


class Settings(Page):
    key = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/", index)]


@allow()
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/index.html", {"groups": cards(user(request))})
