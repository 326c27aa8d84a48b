"""Addresses of the sample: the company's website and the mail catcher. Included only when BATON_DEMO is on."""

from django.urls import path

from baton.demo import inbox, site

urlpatterns = [
    path("site/", site.page),
    path("site/static/<str:name>", site.static),
    path("site/files/nuriwork-brochure.pdf", site.pdf),
    path("site/<path:path>", site.page),
    path("demo/inbox/", inbox.listing),
    path("demo/inbox/static/<str:name>", inbox.static),
    path("demo/inbox/latest", inbox.latest),
    path("demo/inbox/<str:key>/", inbox.message),
    path("demo/inbox/<str:key>/html", inbox.html),
]
