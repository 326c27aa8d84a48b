"""What the layout needs to connect a page to its live stream."""

from django import template

from baton.accounts.models import User
from baton.web import feeds

register = template.Library()


@register.simple_tag
def newest_notice(user: User) -> int:
    """The newest notification when the page was drawn: the stream starts after it, so none falls between."""
    return feeds.newest(user)
