"""Roles as people see and change them: the four built-in ones and the company's own. What they mean is in rights.py."""

from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Role


def name(key: str) -> str:
    """What a role is called; the key when there is no such role."""
    found = Role.objects.filter(key=key).values_list("name", flat=True).first()
    return found or (str(BUILTIN[key].label) if key in BUILTIN else key)
