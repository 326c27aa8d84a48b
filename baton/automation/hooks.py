"""Secret addresses by which programs enroll: made and renewed by people, called with JSON that names who and brings values for later steps."""

import json
import secrets as lots
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from baton.automation import enroll, graph
from baton.automation.models import Hook, Workflow
from baton.crm import contacts, records
from baton.events.wire import storable
from baton.platform import clock, history, secrets, signing, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound

LARGEST = 64 * 1024  # bytes of one call
DEEPEST, MOST = 5, 200  # objects within objects, and values in all
LONGEST = 10_000  # letters of one value
OWN = frozenset({"email", "id", "key"})  # what says who and which call it is
PURPOSE = "workflow_hook"


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call: whom it named, and whether a run began (or waits for the one before to end)."""

    id: int
    enrolled: bool


def address(workflow: Workflow, trigger: str, actor: Actor) -> str:
    """The address of a trigger; made when it is first asked for. Raises ValueError when BATON_SECRET_KEY is another one now."""
    found = Hook.objects.filter(workflow=workflow, trigger=trigger).first()
    return _url(secrets.decrypt(found.sealed)) if found else renew(workflow, trigger, actor)


def renew(workflow: Workflow, trigger: str, actor: Actor) -> str:
    """Another address; the one before is turned away from now on."""
    token = lots.token_urlsafe(24)
    with transaction.atomic():
        Hook.objects.update_or_create(
            workflow=workflow,
            trigger=trigger,
            defaults={
                "digest": signing.digest(PURPOSE, token),
                "sealed": secrets.encrypt(token),
                "made_by": str(actor),
                "made_at": clock.now(),
                "used_at": None,
            },
        )
        history.record(actor, "updated", "workflow", workflow.pk, hook=trigger)
    return _url(token)


def receive(token: str, body: bytes, key: str = "") -> Called:
    """One call: `{"email": …}` or `{"id": …}`, and anything else for later steps. The same `key` (or the call's own `key`) enrolls once.

    Raises NotFound (no such address, whatever is said), ValueError (no JSON), Conflict (the workflow does not run, or is called
    otherwise by now), Invalid (who, or what cannot be kept).
    """
    hook = Hook.objects.select_related("workflow").filter(digest=signing.digest(PURPOSE, token)).first()
    if hook is None:
        raise NotFound(_("There is no such address."))
    try:
        said = json.loads(body)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(said, dict):
        raise Invalid.one("", "INVALID_VALUE", _("Expected an object."))
    workflow = hook.workflow
    published = graph.readable(workflow.published_id or 0) if workflow.state == "on" and workflow.archived_at is None else None
    trigger = published.trigger(hook.trigger) if published else None
    if trigger is None or trigger.key != "webhook_received":
        raise Conflict(_("This workflow does not run, or it is not begun by this address any more."))
    brought = _kept({name: value for name, value in said.items() if name not in OWN}, "", [0])
    key = str(key or said.get("key") or "")[:200].replace("\0", "") or lots.token_hex(12)
    actor = Actor("workflow", workflow.pk)
    with transaction.atomic():
        id = _who(workflow.object_type, said, make=bool(getattr(trigger, "make", False)), actor=actor)
        cause = f"hook:{key}"
        entered = enroll.enter(workflow, {id: cause}, actor=actor, trigger=trigger.id)
        if entered and brought:
            sql.run(
                "UPDATE enrollment SET data = data || jsonb_build_object(%s::text, %s::jsonb) WHERE contact_id = %s AND workflow_id = %s AND cause = %s",
                [trigger.id, Jsonb(brought), id, workflow.pk, cause],
            )
        Hook.objects.filter(pk=hook.pk).update(used_at=clock.now())
    return Called(id, bool(entered))


def _who(object_type: str, said: Mapping[str, Any], *, make: bool, actor: Actor) -> int:
    """The record that a call names. Raises Invalid at `email` or `id`."""
    id, email = said.get("id"), said.get("email")
    if email is not None and object_type == "contact" and id is None:
        if not isinstance(email, str) or not email.strip() or "\0" in email:
            raise Invalid.one("email", "INVALID_VALUE", _("Expected an e-mail address."))
        if (found := contacts.by_email(email)) is not None:
            return found
        if not make:
            raise Invalid.one("email", "NOT_FOUND", _("There is no contact with this e-mail address."))
        try:
            return records.create("contact", {"email": email.strip()}, actor=actor, source="api")
        except Invalid as error:
            raise Invalid.one("email", error.problems[0].code, error.problems[0].message) from error
    if isinstance(id, str) and id.isdecimal():
        id = int(id)
    if not isinstance(id, int) or isinstance(id, bool) or not 0 < id < 2**63:
        text = _("Say who: “email” or “id”.") if object_type == "contact" else _("Say which record: “id”.")
        raise Invalid.one("id" if id is not None else "email" if object_type == "contact" else "id", "REQUIRED", text)
    try:
        return records.get(object_type, id).id
    except NotFound as error:
        raise Invalid.one("id", "NOT_FOUND", _("There is no such record.")) from error


def _kept(value: Any, at: str, seen: list[int], depth: int = 0) -> Any:
    """What was brought, as it can be stored. Raises Invalid at the place that is too deep, too long or too much."""
    seen[0] += 1
    if depth > DEEPEST or seen[0] > MOST:
        raise Invalid.one(at, "TOO_MANY", _("At most {most} values, {deep} objects deep.").format(most=MOST, deep=DEEPEST))
    if isinstance(value, dict):
        return {storable(str(name), 200): _kept(one, f"{at}.{name}" if at else str(name), seen, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [_kept(one, f"{at}[{number}]", seen, depth + 1) for number, one in enumerate(value)]
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise Invalid.one(at, "TOO_LONG", _("At most {most} letters.").format(most=LONGEST))
        return storable(value, LONGEST)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise Invalid.one(at, "INVALID_NUMBER", _("Expected a number."))
    return value


def _url(token: str) -> str:
    return f"{config().url}/hooks/workflows/{token}/"
