"""What reports keep about contacts: only the numbers of those who must be looked at again."""

from baton.crm.part import Nothing, Part

PARTS: list[Part] = [Nothing("whose_due", "ids alone, which the next count takes away")]
