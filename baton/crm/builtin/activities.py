"""What happens with people and is written down: notes, calls, meetings, tasks, mails, other messages. `at` is when it happened or is due."""

from django.utils.translation import gettext_noop as _

from .shape import Kind, Row

OWNER: Row = ("owner_id", _("Owner"), "user", "basic", {})
FILES: Row = ("files", _("Files"), "text", "basic", {"field_type": "file", "hidden": True})
DIRECTIONS = {"inbound": _("Incoming"), "outbound": _("Outgoing")}
CALL_STATUS = {
    "COMPLETED": _("Completed"), "NO_ANSWER": _("No answer"), "BUSY": _("Busy"), "FAILED": _("Failed"), "CANCELED": _("Cancelled"), "MISSED": _("Missed"),
    "IN_PROGRESS": _("In progress"), "RINGING": _("Ringing"), "QUEUED": _("Waiting"), "CONNECTING": _("Connecting"), "CALLING_CRM_USER": _("Calling you"),
}  # fmt: skip
CALL_OUTCOMES = {
    "connected": _("Connected"), "no_answer": _("No answer"), "busy": _("Busy"), "voicemail": _("Left voicemail"), "message": _("Left message"),
    "wrong_number": _("Wrong number"),
}  # fmt: skip
MEETING_OUTCOMES = {
    "SCHEDULED": _("Scheduled"), "COMPLETED": _("Completed"), "RESCHEDULED": _("Moved"), "NO_SHOW": _("No show"), "CANCELED": _("Cancelled"),
}  # fmt: skip
MEETING_KINDS = {"meeting": _("Meeting"), "visit": _("Visit"), "online": _("Online meeting")}
TASK_STATUS = {
    "NOT_STARTED": _("To do"), "IN_PROGRESS": _("In progress"), "WAITING": _("Waiting"), "COMPLETED": _("Done"), "DEFERRED": _("Put off"),
}  # fmt: skip
TASK_PRIORITIES = {"NONE": _("None"), "LOW": _("Low"), "MEDIUM": _("Medium"), "HIGH": _("High")}
TASK_KINDS = {"TODO": _("To do"), "CALL": _("Call"), "EMAIL": _("Email")}
EMAIL_DIRECTIONS = {"EMAIL": _("Sent"), "INCOMING_EMAIL": _("Received"), "FORWARDED_EMAIL": _("Forwarded")}
EMAIL_STATUS = {"SENT": _("Sent"), "BOUNCED": _("Bounced"), "FAILED": _("Failed"), "SCHEDULED": _("Scheduled"), "SENDING": _("Sending")}
CHANNELS = {
    "SMS": _("Text message"), "KAKAOTALK": _("KakaoTalk"), "WHATS_APP": _("WhatsApp"), "LINKEDIN_MESSAGE": _("LinkedIn message"),
    "NAVER_TALK": _("Naver TalkTalk"), "LINE": _("LINE"), "INSTAGRAM_DM": _("Instagram DM"), "FACEBOOK_MESSENGER": _("Facebook Messenger"), "OTHER": _("Other"),
}  # fmt: skip


def _kind(key: str, plural: str, type_id: str, label: str, label_plural: str, icon: str, primary: str, *rows: Row, usual: tuple[str, ...] = ()) -> Kind:
    at: Row = ("at", _("Time"), "datetime", "basic", {"indexed": True})
    searchable = tuple(name for name, _label, type, _group, _more in rows if type == "text" and name in ("title", "subject", "body", "text"))
    return Kind(
        key, plural, type_id, label, label_plural, icon, primary, {"basic": _("Basics")}, (at, *rows, OWNER, FILES), searchable=searchable, activity=True,
        usual=usual or ("at", "owner_id", "created_at"),
    )  # fmt: skip


KINDS = (
    _kind(
        "note", "notes", "0-46", _("Note"), _("Notes"), "sticky-note", "body",
        ("body", _("Note"), "text", "basic", {"field_type": "html"}),
        ("mentions", _("Mentioned"), "text", "basic", {"hidden": True, "read_only": True}),
    ),
    _kind(
        "call", "calls", "0-48", _("Call"), _("Calls"), "phone", "title",
        ("title", _("Title"), "text", "basic", {}),
        ("body", _("What was said"), "text", "basic", {"field_type": "html"}),
        ("duration", _("Length"), "number", "basic", {"field_type": "duration"}),
        ("direction", _("Direction"), "choice", "basic", {"options": DIRECTIONS}),
        ("status", _("Status"), "choice", "basic", {"options": CALL_STATUS}),
        ("outcome", _("Outcome"), "choice", "basic", {"options": CALL_OUTCOMES}),
        ("from_number", _("From number"), "text", "basic", {}),
        ("to_number", _("To number"), "text", "basic", {}),
        ("recording_url", _("Recording"), "url", "basic", {}),
        usual=("at", "outcome", "duration", "owner_id", "created_at"),
    ),
    _kind(
        "meeting", "meetings", "0-47", _("Meeting"), _("Meetings"), "calendar", "title",
        ("title", _("Title"), "text", "basic", {}),
        ("body", _("Description"), "text", "basic", {"field_type": "html"}),
        ("internal_notes", _("Internal notes"), "text", "basic", {"field_type": "textarea"}),
        ("kind", _("Kind"), "choice", "basic", {"options": MEETING_KINDS}),
        ("starts_at", _("Start"), "datetime", "basic", {}),
        ("ends_at", _("End"), "datetime", "basic", {}),
        ("location", _("Place"), "text", "basic", {}),
        ("outcome", _("Outcome"), "choice", "basic", {"options": MEETING_OUTCOMES}),
        usual=("starts_at", "outcome", "location", "owner_id", "created_at"),
    ),
    _kind(
        "task", "tasks", "0-27", _("Task"), _("Tasks"), "circle-check", "subject",
        ("subject", _("Task"), "text", "basic", {}),
        ("body", _("Notes"), "text", "basic", {"field_type": "html"}),
        ("status", _("Status"), "choice", "basic", {"options": TASK_STATUS, "indexed": True}),
        ("priority", _("Priority"), "choice", "basic", {"options": TASK_PRIORITIES}),
        ("kind", _("Kind"), "choice", "basic", {"options": TASK_KINDS}),
        ("completed_at", _("Done at"), "datetime", "basic", {"read_only": True}),
        usual=("at", "status", "priority", "kind", "owner_id"),
    ),
    _kind(
        "email", "emails", "0-49", _("Logged e-mail"), _("Logged e-mails"), "mail", "subject",
        ("subject", _("Subject"), "text", "basic", {}),
        ("text", _("Text"), "text", "basic", {"field_type": "textarea"}),
        ("html", _("Formatted text"), "text", "basic", {"field_type": "html"}),
        ("direction", _("Direction"), "choice", "basic", {"options": EMAIL_DIRECTIONS}),
        ("status", _("Status"), "choice", "basic", {"options": EMAIL_STATUS}),
        ("from_email", _("From"), "text", "basic", {}),
        ("to_email", _("To"), "text", "basic", {}),
        ("headers", _("Headers"), "text", "basic", {"hidden": True}),
        usual=("at", "direction", "from_email", "to_email", "owner_id"),
    ),
    _kind(
        "communication", "communications", "0-18", _("Message"), _("Messages"), "message-circle", "body",
        ("body", _("Message"), "text", "basic", {"field_type": "html"}),
        ("channel", _("Channel"), "choice", "basic", {"options": CHANNELS}),
        ("logged_from", _("Logged from"), "text", "basic", {"hidden": True}),
        usual=("at", "channel", "owner_id", "created_at"),
    ),
)  # fmt: skip
