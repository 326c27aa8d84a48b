"""Names of links that Baton gives itself. Their numbers are those HubSpot clients know."""

from typing import Any

from django.utils.translation import gettext_noop as _

PRIMARY = "primary"

# (type id, from, to): the plain links without a name have numbers too; api/hubspot/links.py knows them.
LABELS: list[dict[str, Any]] = [
    {"type_id": type_id, "name": PRIMARY, "from_type": one, "to_type": other, "label": _("Primary")}
    for type_id, one, other in (
        (1, "contact", "company"),
        (2, "company", "contact"),
        (5, "deal", "company"),
        (6, "company", "deal"),
        (26, "ticket", "company"),
        (25, "company", "ticket"),
    )
]
LABELS += [
    {"type_id": 13, "name": "parent>", "from_type": "company", "to_type": "company", "label": _("Child company")},
    {"type_id": 14, "name": "parent<", "from_type": "company", "to_type": "company", "label": _("Parent company")},
]
