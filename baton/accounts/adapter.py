"""How allauth behaves here: nobody signs up alone, and what a request says of its own host is not believed."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.utils.http import url_has_allowed_host_and_scheme

from baton.platform.config import config


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of the mail: a forged Host header must not send the key to another site."""
        return config().url + str(urlsplit(super().get_reset_password_from_key_url(key)).path)

    def is_safe_url(self, url: str) -> bool:
        """Where signing in may lead: to a path of ours."""
        return bool(url_has_allowed_host_and_scheme(url, allowed_hosts=None))
