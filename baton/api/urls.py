"""Mounts the API: every module of hubspot/ and own/ that has a `router` (django-ninja) or `urlpatterns` of its own is found by itself."""

import importlib
import pkgutil

from django.urls import URLPattern, URLResolver
from ninja import Router

from baton.api import hubspot, openapi, own, router

_modules = [importlib.import_module(info.name) for package in (hubspot, own) for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]

_api = router.api([module.router for module in _modules if isinstance(getattr(module, "router", None), Router)])

urlpatterns: list[URLPattern | URLResolver] = [
    *(pattern for module in _modules for pattern in getattr(module, "urlpatterns", [])),
    openapi.url(_api),
    router.urls(_api),
    router.unknown(
        "crm|crm-object-schemas|crm-pipelines|crm-objects|crm-associations|events|marketing|settings/v3|account-info|business-units|oauth|automation/v[234]"
        "|communication-preferences|webhooks/v3|integrators|contacts/v1|companies/v2|deals/v1|properties/v[12]|engagements/v1|forms/v2|form-integrations"
        "|baton/v1|email/public|marketing-emails|submissions|owners/v2"
    ),
]
