"""All addresses Django answers. The edge answers /t/, /o/, /c/ and /live/ before Django is asked."""

from django.urls import include, path

urlpatterns = [
    path("", include("baton.web.urls")),
    path("", include("baton.api.urls")),
]
