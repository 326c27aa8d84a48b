"""What reports keep about contacts: only who must be looked at again."""

from baton.crm.part import Part, Rows

PARTS: list[Part] = [Rows("whose_due", ["id"], blank="delete", copied=False)]
