"""A length of time in words."""

from django.utils.translation import ngettext


def in_words(days: int = 0, hours: int = 0, minutes: int = 0) -> str:
    """`1 day 2 hours`; what is 0 is left out."""
    parts = [
        ngettext("{n} day", "{n} days", days).format(n=days) if days else "",
        ngettext("{n} hour", "{n} hours", hours).format(n=hours) if hours else "",
        ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes) if minutes else "",
    ]
    return " ".join(p for p in parts if p)
