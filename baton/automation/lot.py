"""Who goes which way by lot: from who walks, what enrolled him and the step, so that the same run is always drawn alike, wherever it is worked out."""

from bisect import bisect_right
from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from typing import Annotated

from django.utils.functional import Promise
from django.utils.translation import gettext
from pydantic import Field

from baton.automation.step import Batch, Standing
from baton.platform import sql
from baton.platform.errors import Problem

Label = Annotated[str, Field(pattern=r"^[a-z]$")]
Share = Annotated[int, Field(ge=0, le=100)]
Shares = Mapping[str, int]


def drawn(batch: Batch, shares: Shares) -> dict[str, list[Standing]]:
    """Those who stand here by the way they go. One query."""
    causes = dict(
        sql.rows(
            "SELECT id, cause FROM enrollment WHERE contact_id = ANY(%s) AND id = ANY(%s)",
            [batch.contact_ids, [one.enrollment_id for one in batch.standing]],
        )
    )
    labels = sorted(shares)
    ends = list(accumulate(shares[label] for label in labels))
    found: dict[str, list[Standing]] = {}
    for one in batch.standing:
        at = place(one.contact_id, causes.get(one.enrollment_id, ""), batch.step) * ends[-1]
        found.setdefault(labels[bisect_right(ends, at)], []).append(one)
    return found


def place(contact_id: int, cause: str, step: str) -> float:
    """A number from 0 (in) to 1 (out) that is as good as drawn by lot."""
    digest = blake2b(f"{step}\0{contact_id}\0{cause}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def ways(shares: Shares) -> tuple[tuple[str, str | Promise], ...]:
    """The ways by label: A, B ..."""
    return tuple((label, label.upper()) for label in sorted(shares))


def in_words(shares: Shares) -> str:
    """`A 50 % · B 50 %`."""
    return " · ".join(f"{label.upper()} {shares[label]}%" for label in sorted(shares))


def problems(shares: Shares) -> list[Problem]:
    """What is wrong with shares."""
    if len(shares) < 2:
        return [Problem("shares", "REQUIRED", gettext("There must be two ways at least."))]
    if sum(shares.values()) != 100:
        return [Problem("shares", "INVALID_VALUE", gettext("The shares must add up to 100 %; now they are {sum} %.").format(sum=sum(shares.values())))]
    return []
