"""`/communication-preferences/v3` and `v4`, `/email/public/v1/subscriptions`: kinds of news, and what people said of them, as HubSpot's clients know both."""

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja import Status as Answer
from pydantic import Field

from baton.accounts import users
from baton.api import paging
from baton.api.auth import Needs, actor
from baton.api.errors import Failure
from baton.crm import contacts
from baton.crm.models import Consent, ConsentEvent, Contact
from baton.crm.values import stamp
from baton.messaging.consent import subscribing, subscriptions, suppression
from baton.messaging.consent.subscriptions import State
from baton.messaging.models import SubscriptionType
from baton.platform import clock
from baton.platform.errors import Conflict, Invalid, NotFound

router = Router(tags=["subscriptions"])
READ, WRITE = Needs("consent.read"), Needs("consent.write")
Text = Annotated[str | None, Query(None)]
BASES = {  # HubSpot's words for why somebody may be written to -> ours
    "LEGITIMATE_INTEREST_PQL": "consent", "LEGITIMATE_INTEREST_CLIENT": "transaction", "PERFORMANCE_OF_CONTRACT": "transaction",
    "CONSENT_WITH_NOTICE": "consent", "NON_GDPR": "consent", "PROCESS_AND_STORE": "consent", "LEGITIMATE_INTEREST_OTHER": "consent",
}  # fmt: skip
BACK = {"consent": "CONSENT_WITH_NOTICE", "transaction": "LEGITIMATE_INTEREST_CLIENT"}
CHANNELS = {"EMAIL": "email", "SMS": "sms"}
MOST = 100  # people of one call
Shape = dict[str, Any]


class Change(Schema):
    """A yes or no of v3."""

    emailAddress: str
    subscriptionId: str
    legalBasis: str | None = None
    legalBasisExplanation: str | None = Field(None, max_length=2000)


class Status(Schema):
    """A yes or no of v4."""

    subscriptionId: int
    statusState: str
    channel: str = "EMAIL"
    legalBasis: str | None = None
    legalBasisExplanation: str | None = Field(None, max_length=2000)


class StatusOf(Status):
    subscriberIdString: str


class Read(Schema):
    inputs: list[str]


class Write(Schema):
    inputs: list[StatusOf]


# Version 3 -----------------------------------------------------------------------


@router.get("/communication-preferences/v3/definitions", auth=READ, response=dict[str, Any], summary="List subscription types")
def definitions(request: HttpRequest) -> dict[str, Any]:
    """Every kind of news, archived ones as not active."""
    return {"subscriptionDefinitions": [_definition(type) for type in subscriptions.known(archived=True)]}


@router.get("/communication-preferences/v3/status/email/{email}", auth=READ, response=dict[str, Any], summary="Read what an address subscribes to")
def status(request: HttpRequest, email: str) -> dict[str, Any]:
    """Every kind of news; an address nobody has is subscribed to none."""
    contact = _contact(email)
    return {"recipient": email, "subscriptionStatuses": [_status(contact, one, email) for one in _states(contact)]}


@router.post("/communication-preferences/v3/subscribe", auth=WRITE, response=dict[str, Any], summary="Subscribe an address")
def subscribe(request: HttpRequest, body: Change) -> dict[str, Any]:
    """A yes to one kind of news. Who opted out of everything can only agree himself: 400."""
    contact, type_id = _known(body.emailAddress), _number(body.subscriptionId)
    try:
        _record(request, contact, type_id, True, "email", body.legalBasis, body.legalBasisExplanation)
    except Conflict:
        text = f"{body.emailAddress} has unsubscribed from all email, so the subscription status cannot be updated"
        raise Failure(400, "VALIDATION_ERROR", text) from None
    return _one(contact, type_id, body.emailAddress)


@router.post("/communication-preferences/v3/unsubscribe", auth=WRITE, response=dict[str, Any], summary="Unsubscribe an address")
def unsubscribe(request: HttpRequest, body: Change) -> dict[str, Any]:
    """A no to one kind of news."""
    contact, type_id = _known(body.emailAddress), _number(body.subscriptionId)
    _record(request, contact, type_id, False, "email", body.legalBasis, body.legalBasisExplanation)
    return _one(contact, type_id, body.emailAddress)


# Version 4 -----------------------------------------------------------------------


@router.get("/communication-preferences/v4/definitions", auth=READ, response=dict[str, Any], summary="List subscription types (v4)")
def definitions_v4(request: HttpRequest) -> dict[str, Any]:
    """The same as of version 3 in the envelope of a batch."""
    return _complete([_definition(type) | {"businessUnitId": 0} for type in subscriptions.known(archived=True)])


@router.get("/communication-preferences/v4/statuses/{email}", auth=READ, response=dict[str, Any], summary="Read what an address subscribes to (v4)")
def statuses(request: HttpRequest, email: str, channel: Text = None) -> dict[str, Any]:
    """Every kind of news on one channel."""
    return _complete(_Person(email, _channel(channel)).all())


@router.post("/communication-preferences/v4/statuses/batch/read", auth=READ, response=dict[str, Any], summary="Read what many addresses subscribe to")
def read_many(request: HttpRequest, body: Read, channel: Text = None) -> dict[str, Any]:
    """At most 100 addresses."""
    key = _channel(channel)
    return _complete([{"subscriberIdString": email, "statuses": _Person(email, key).all()} for email in _few(body.inputs)])


@router.post(
    "/communication-preferences/v4/statuses/batch/write", auth=WRITE, response={200: Shape, 207: Shape}, summary="Set what many addresses subscribe to"
)
def write_many(request: HttpRequest, body: Write) -> Answer[Shape]:
    """Each of at most 100; what cannot be done is told in `errors` (207), the others are done."""
    rows, errors = [], []
    for one in _few(body.inputs):
        try:
            rows.append(_set(request, one.subscriberIdString, one))
        except (Failure, NotFound, Invalid, Conflict) as error:
            errors.append(
                {
                    "status": "error",
                    "category": "VALIDATION_ERROR",
                    "message": "resource not found" if isinstance(error, NotFound) else str(error),
                    "context": {"subscriber": [one.subscriberIdString]},
                }
            )
    return Answer(207, _complete(rows) | {"numErrors": len(errors), "errors": errors}) if errors else Answer(200, _complete(rows))


@router.post("/communication-preferences/v4/statuses/batch/unsubscribe-all", auth=WRITE, response=dict[str, Any], summary="Unsubscribe many from all")
def leave_many(request: HttpRequest, body: Read, channel: Text = None, verbose: bool = False) -> dict[str, Any]:
    """At most 100 addresses; of one nobody has only a hash is kept. With `verbose` the kinds of news afterwards."""
    key = _channel(channel)
    return _complete([{"subscriberIdString": email, "statuses": _leave(request, email, key, verbose)} for email in _few(body.inputs)])


@router.post("/communication-preferences/v4/statuses/batch/unsubscribe-all/read", auth=READ, response=dict[str, Any], summary="Which of many are out of all")
def left_many(request: HttpRequest, body: Read, channel: Text = None) -> dict[str, Any]:
    """At most 100 addresses; `wideStatuses` of one that is not out of all is empty."""
    key = _channel(channel)
    return _complete([{"subscriberIdString": email, "wideStatuses": _Person(email, key).wide()} for email in _few(body.inputs)])


@router.post("/communication-preferences/v4/statuses/{email}", auth=WRITE, response=dict[str, Any], summary="Set what an address subscribes to")
def set_status(request: HttpRequest, email: str, body: Status) -> dict[str, Any]:
    """SUBSCRIBED, UNSUBSCRIBED or NOT_SPECIFIED for one kind of news."""
    return _complete([_set(request, email, body)])


@router.get("/communication-preferences/v4/statuses/{email}/unsubscribe-all", auth=READ, response=dict[str, Any], summary="Whether an address is out of all")
def left_all(request: HttpRequest, email: str, channel: Text = None) -> dict[str, Any]:
    """One row, that of everything; none when it is not."""
    return _complete(_Person(email, _channel(channel)).wide())


@router.post("/communication-preferences/v4/statuses/{email}/unsubscribe-all", auth=WRITE, response=dict[str, Any], summary="Unsubscribe an address from all")
def leave_all(request: HttpRequest, email: str, channel: Text = None, verbose: bool = False) -> dict[str, Any]:
    """With `verbose` the kinds of news afterwards."""
    return _complete(_leave(request, email, _channel(channel), verbose))


# Version 1 -----------------------------------------------------------------------


@router.get("/email/public/v1/subscriptions", auth=READ, response=dict[str, Any], summary="List subscription types (v1)")
def definitions_v1(request: HttpRequest) -> dict[str, Any]:
    """Numbers are numbers here."""
    portal = users.account().pk
    return {
        "subscriptionDefinitions": [
            {
                "id": type.pk, "portalId": portal, "name": subscriptions.name(type), "description": subscriptions.description(type),
                "active": type.archived_at is None, "internal": not type.public, "category": type.topic or "Marketing", "channel": "Email",
                "order": type.position, "businessUnitId": 0, "internalName": type.key.upper().replace("-", "_"),
            }
            for type in subscriptions.known(archived=True)
        ]
    }  # fmt: skip


@router.get("/email/public/v1/subscriptions/timeline", auth=READ, response=dict[str, Any], summary="Answers by e-mail, oldest first")
def timeline(request: HttpRequest, startTimestamp: Text = None, endTimestamp: Text = None, limit: Text = None, offset: Text = None) -> dict[str, Any]:
    """The ledger of e-mail between two moments (milliseconds)."""
    size, portal = paging.limit(limit, most=1000, default=100), users.account().pk
    rows = ConsentEvent.objects.filter(channel="email", id__gt=paging.after(offset))
    for text, name in ((startTimestamp, "at__gte"), (endTimestamp, "at__lt")):
        if text:
            rows = rows.filter(**{name: _moment(text)})
    found = list(rows.order_by("id")[: size + 1])
    return {
        "timeline": [
            {
                "timestamp": _ms(row.at), "portalId": portal, "recipient": row.address, "normalizedEmailId": str(row.contact_id),
                "changes": [
                    {
                        "change": "SUBSCRIBED" if row.granted else "UNSUBSCRIBED", "source": _source(row.source), "timestamp": _ms(row.at), "portalId": portal,
                        "changeType": "SUBSCRIPTION_STATUS" if row.type_id else "PORTAL_STATUS", "subscriptionId": row.type_id,
                        "causedByEvent": {"id": str(row.id), "created": _ms(row.at)},
                    }
                ],
            }
            for row in found[:size]
        ],
        "hasMore": len(found) > size, "offset": str(found[size - 1].id) if len(found) > size else "",
    }  # fmt: skip


# Shapes --------------------------------------------------------------------------


def _contact(email: str) -> Contact | None:
    found = contacts.by_email(email)
    return Contact.objects.filter(pk=found).first() if found else None


def _known(email: str) -> Contact:
    found = _contact(email)
    if found is None:
        raise NotFound(email)
    return found


def _channel(text: str | None) -> str:
    if (text or "EMAIL").upper() not in CHANNELS:
        raise Failure(400, "VALIDATION_ERROR", f"channel is EMAIL or SMS, not {str(text)[:50]}")
    return CHANNELS[(text or "EMAIL").upper()]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19) or int(text) not in {type.pk for type in subscriptions.known()}:
        raise Failure(400, "VALIDATION_ERROR", f"Subscription {text[:50]} does not exist")
    return int(text)


def _few(given: list[Any]) -> list[Any]:
    if not 0 < len(given) <= MOST:
        raise Failure(400, "VALIDATION_ERROR", f"inputs has from 1 to {MOST} entries")
    return given


def _states(contact: Contact | None, channel: str = "email") -> list[State]:
    if contact is None:
        return [State(type, channel, None, False) for type in subscriptions.known()]
    return subscriptions.state(contact.pk, [channel])


def _record(request: HttpRequest, contact: Contact, type_id: int, granted: bool, channel: str, basis: str | None, explanation: str | None) -> None:
    if basis is not None and basis not in BASES:
        raise Failure(400, "VALIDATION_ERROR", f"legalBasis is one of {', '.join(BASES)}")
    who, proof, ours = actor(request), {"legal_basis": basis} if basis else {}, BASES[basis or "CONSENT_WITH_NOTICE"]
    subscribing.record(
        contact.pk, type_id, granted, actor=who, source=str(who), channel=channel, reason=explanation or "", proof=proof, basis=ours
    )  # fmt: skip


def _set(request: HttpRequest, email: str, body: Status) -> dict[str, Any]:
    contact, type_id, channel = _known(email), _number(str(body.subscriptionId)), _channel(body.channel)
    before = _Person(email, channel).of(type_id)
    match body.statusState:
        case "SUBSCRIBED" | "UNSUBSCRIBED":
            try:
                _record(request, contact, type_id, body.statusState == "SUBSCRIBED", channel, body.legalBasis, body.legalBasisExplanation)
            except Conflict:
                raise Failure(400, "VALIDATION_ERROR", f"{email} has unsubscribed from all, so the subscription status cannot be updated") from None
        case "NOT_SPECIFIED":
            subscribing.forget(contact.pk, type_id, actor=actor(request), source=str(actor(request)), channel=channel)
        case _:
            raise Failure(400, "VALIDATION_ERROR", "statusState is SUBSCRIBED, UNSUBSCRIBED or NOT_SPECIFIED")
    after = _Person(email, channel).of(type_id)
    return after | {"setStatusSuccessReason": "REQUESTED_CHANGE_OCCURRED" if after["status"] != before["status"] else "NO_STATUS_CHANGE"}


def _leave(request: HttpRequest, email: str, channel: str, verbose: bool) -> list[dict[str, Any]]:
    contact, who = _contact(email), actor(request)
    if contact is None:
        suppression.suppress_addresses([email], channel, suppression.UNSUBSCRIBED, source=str(who), actor=who)
    else:
        suppression.unsubscribe(contact.pk, 0, channel=channel, source=str(who), actor=who)
    return _Person(email, channel).all() if verbose else []


def _one(contact: Contact, type_id: int, email: str) -> dict[str, Any]:
    return next(_status(contact, state, email) for state in _states(contact) if state.type.pk == type_id)


def _definition(type: SubscriptionType) -> dict[str, Any]:
    first = subscriptions.usual()
    return {
        "id": str(type.pk), "name": subscriptions.name(type), "description": subscriptions.description(type), "purpose": type.topic or "Marketing",
        "communicationMethod": "Email", "isActive": type.archived_at is None, "isDefault": first is not None and first.pk == type.pk,
        "isInternal": not type.public, "createdAt": stamp(type.created_at), "updatedAt": stamp(type.updated_at),
    }  # fmt: skip


def _wide_refusal(contact: Contact | None, email: str, channel: str = "email") -> bool:
    return subscribing.refused(contact.pk, channel) if contact else bool(suppression.addresses([email], channel))


def _status(contact: Contact | None, state: State, email: str) -> dict[str, Any]:
    """A kind of news of version 3."""
    wide = _wide_refusal(contact, email)
    row = state.row
    shown: dict[str, Any] = {
        "id": str(state.type.pk), "name": state.label, "description": state.about, "status": "SUBSCRIBED" if state.gets else "NOT_SUBSCRIBED",
        "sourceOfStatus": "PORTAL_WIDE_STATUS" if wide or row is None else "SUBSCRIPTION_STATUS",
    }  # fmt: skip
    if row is not None and row.granted:
        shown |= {"legalBasis": row.proof.get("legal_basis") or BACK[row.basis], "legalBasisExplanation": row.wording}
    if state.type.topic:
        shown["preferenceGroupName"] = state.type.topic
    return shown


class _Person:
    """An address on one channel: whose it is, what he said of the channel and of every kind of news. Looked up once."""

    def __init__(self, email: str, channel: str) -> None:
        self.email, self.channel, self.contact = email, channel, _contact(email)
        self.states = _states(self.contact, channel)
        self.given = Consent.objects.filter(contact_id=self.contact.pk, channel=channel).first() if self.contact else None
        self.refused = _wide_refusal(self.contact, email, channel)

    def shown(self, state: State) -> dict[str, Any]:
        """A kind of news of version 4."""
        row = state.row
        refused = self.refused or (row is not None and not row.granted)
        said = row or self.given
        found: dict[str, Any] = {
            "subscriberIdString": self.email, "subscriptionId": state.type.pk, "subscriptionName": state.label, "channel": _upper(self.channel),
            "status": "SUBSCRIBED" if state.gets else "UNSUBSCRIBED" if refused else "NOT_SPECIFIED", "source": _source(said.source if said else ""),
            "timestamp": stamp(said.at if said else state.type.created_at), "businessUnitId": 0,
        }  # fmt: skip
        if row is not None and row.granted:
            found |= {"legalBasis": row.proof.get("legal_basis") or BACK[row.basis], "legalBasisExplanation": row.wording}
        return found

    def of(self, type_id: int) -> dict[str, Any]:
        """One kind of news."""
        return self.shown(next(one for one in self.states if one.type.pk == type_id))

    def all(self) -> list[dict[str, Any]]:
        """Every kind of news."""
        return [self.shown(state) for state in self.states]

    def wide(self) -> list[dict[str, Any]]:
        """The row of everything, of who is out of all."""
        if not self.refused:
            return []
        return [
            {
                "subscriberIdString": self.email, "channel": _upper(self.channel), "wideStatusType": "PORTAL_WIDE", "businessUnitId": 0,
                "status": "UNSUBSCRIBED", "timestamp": stamp(self.given.at if self.given else clock.now()),
            }
        ]  # fmt: skip


def _complete(rows: list[dict[str, Any]]) -> dict[str, Any]:
    now = stamp(clock.now())
    return {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}


def _upper(channel: str) -> str:
    return next((name for name, key in CHANNELS.items() if key == channel), channel.upper())


def _source(text: str) -> str:
    """How an answer came, in HubSpot's words."""
    words = {
        "form": "FORM",
        "import": "IMPORT",
        "unsubscribe": "EMAIL_LINK",
        "one_click": "EMAIL_LINK",
        "preferences": "PREFERENCE_CENTER",
        "undo": "PREFERENCE_CENTER",
        "move": "IMPORT",
        "import_undo": "IMPORT",
        "token": "PUBLIC_API",
    }
    return words.get(text.partition(":")[0], "CRM_UI")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(text: str) -> datetime:
    if not (text.isascii() and text.isdecimal() and len(text) <= 14):
        raise Failure(400, "VALIDATION_ERROR", "startTimestamp and endTimestamp are milliseconds")
    return datetime.fromtimestamp(int(text) / 1000, UTC)
