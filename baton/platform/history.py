"""The history of definitions: who changed which list, form, workflow or setting."""

from typing import Any

from baton.platform import clock
from baton.platform.actor import Actor
from baton.platform.models import History


def record(actor: Actor, verb: str, subject_type: str, subject_id: object, **detail: Any) -> None:
    """Leave one row, in the caller's transaction. `detail` is plain JSON, never a secret."""
    History.objects.create(at=clock.now(), actor=str(actor), verb=verb, subject_type=subject_type, subject_id=str(subject_id), detail=detail)
