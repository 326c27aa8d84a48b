"""All addresses Django answers. The edge answers /t/, /o/, /c/, /l/ and /live/ before Django is asked."""

from django.urls import include, path

from baton.platform.config import config

urlpatterns = [
    path("", include("baton.web.urls")),
    path("", include("baton.api.urls")),
    *([path("", include("baton.demo.urls"))] if config().demo else []),
]
