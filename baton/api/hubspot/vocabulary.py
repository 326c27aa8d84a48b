"""What HubSpot calls Baton's properties and their values, object type by object type. Only what differs is here; words.py reads it."""

_OWNER = {"owner_id": "hubspot_owner_id"}
_HAPPENED = {"at": "hs_timestamp", "files": "hs_attachment_ids", **_OWNER}

NAMES: dict[str, dict[str, str]] = {  # object type -> Baton's name -> HubSpot's
    "contact": {
        "lead_status": "hs_lead_status", "additional_emails": "hs_additional_emails", "time_zone": "hs_timezone",
        "original_source": "hs_analytics_source", "original_source_1": "hs_analytics_source_data_1", "original_source_2": "hs_analytics_source_data_2",
        "latest_source": "hs_latest_source", "latest_source_1": "hs_latest_source_data_1", "latest_source_2": "hs_latest_source_data_2",
        "latest_source_at": "hs_latest_source_timestamp", "first_url": "hs_analytics_first_url", "first_referrer": "hs_analytics_first_referrer", **_OWNER,
    },
    "company": _OWNER,
    "deal": {
        "currency": "deal_currency_code", "priority": "hs_priority", "next_step": "hs_next_step", "probability": "hs_deal_stage_probability",
        "weighted_amount": "hs_projected_amount", "stage_since": "hs_v2_date_entered_current_stage", **_OWNER,
    },
    "ticket": {
        "pipeline": "hs_pipeline", "ticket_stage": "hs_pipeline_stage", "priority": "hs_ticket_priority", "category": "hs_ticket_category",
        "closed_at": "closed_date", "stage_since": "hs_v2_date_entered_current_stage", **_OWNER,
    },
    "product": {"sku": "hs_sku", "cost": "hs_cost_of_goods_sold", "recurring_period": "recurringbillingfrequency", "currency": "hs_product_currency", **_OWNER},
    "line_item": {
        "product_id": "hs_product_id", "discount_percentage": "hs_discount_percentage", "recurring_period": "recurringbillingfrequency",
        "currency": "hs_line_item_currency_code", **_OWNER,
    },
    "quote": {
        "title": "hs_title", "number": "hs_quote_number", "status": "hs_status", "amount": "hs_quote_amount", "currency": "hs_currency",
        "expires_on": "hs_expiration_date", "language": "hs_language", "comments": "hs_comments", "terms": "hs_terms",
        "public_key": "hs_public_url_key", **_OWNER,
    },
    "note": {"body": "hs_note_body", **_HAPPENED},
    "call": {
        "title": "hs_call_title", "body": "hs_call_body", "duration": "hs_call_duration", "direction": "hs_call_direction", "status": "hs_call_status",
        "outcome": "hs_call_disposition", "from_number": "hs_call_from_number", "to_number": "hs_call_to_number",
        "recording_url": "hs_call_recording_url", **_HAPPENED,
    },
    "meeting": {
        "title": "hs_meeting_title", "body": "hs_meeting_body", "internal_notes": "hs_internal_meeting_notes", "kind": "hs_activity_type",
        "starts_at": "hs_meeting_start_time", "ends_at": "hs_meeting_end_time", "location": "hs_meeting_location", "outcome": "hs_meeting_outcome",
        **_HAPPENED,
    },
    "task": {
        "subject": "hs_task_subject", "body": "hs_task_body", "status": "hs_task_status", "priority": "hs_task_priority", "kind": "hs_task_type",
        "completed_at": "hs_task_completion_date", **_HAPPENED,
    },
    "email": {
        "subject": "hs_email_subject", "text": "hs_email_text", "html": "hs_email_html", "direction": "hs_email_direction", "status": "hs_email_status",
        "from_email": "hs_email_from_email", "to_email": "hs_email_to_email", "headers": "hs_email_headers", **_HAPPENED,
    },
    "communication": {
        "body": "hs_communication_body", "channel": "hs_communication_channel_type", "logged_from": "hs_communication_logged_from", **_HAPPENED,
    },
}  # fmt: skip
OWN_NAMES = _OWNER  # of the types a company made for itself

_UPPER = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "urgent": "URGENT"}
_STAGES = {"mql": "marketingqualifiedlead", "sql": "salesqualifiedlead"}
_SOURCES = {  # HubSpot has no class of its own for banners and messages
    "direct": "DIRECT_TRAFFIC", "organic_search": "ORGANIC_SEARCH", "paid_search": "PAID_SEARCH", "organic_social": "SOCIAL_MEDIA",
    "paid_social": "PAID_SOCIAL", "email": "EMAIL_MARKETING", "referral": "REFERRALS", "ai_referral": "AI_REFERRALS", "display": "OTHER_CAMPAIGNS",
    "messaging": "OTHER_CAMPAIGNS", "other_campaign": "OTHER_CAMPAIGNS", "offline": "OFFLINE",
}  # fmt: skip

VALUES: dict[tuple[str, str], dict[str, str]] = {  # (object type, Baton's name) -> Baton's value -> HubSpot's
    ("contact", "lifecyclestage"): _STAGES,
    ("contact", "original_source"): _SOURCES,
    ("contact", "latest_source"): _SOURCES,
    ("company", "lifecyclestage"): _STAGES,
    ("ticket", "priority"): _UPPER,
    ("call", "direction"): {"inbound": "INBOUND", "outbound": "OUTBOUND"},
    ("call", "outcome"): {  # the outcomes every account has; programs know them by these numbers
        "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
        "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
        "busy": "9d9162e7-6cf3-4944-bf63-4dff82258764",
        "voicemail": "b2cf5968-551e-4856-9783-52b3da59a7d0",
        "message": "a4c4c377-d246-4b32-a13b-75a56a4cd0ff",
        "wrong_number": "17b47fee-58de-441e-a44c-c6300d46f273",
    },
}

DEFAULTS: dict[str, tuple[str, ...]] = {  # object type -> what is answered when a program names no properties, in HubSpot's names
    "contact": ("firstname", "lastname", "email"),
    "company": ("name", "domain"),
    "deal": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    "ticket": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority"),
    "product": ("name", "description", "price"),
    "line_item": ("quantity", "amount", "price"),
    "quote": ("hs_title", "hs_status", "hs_expiration_date", "hs_public_url_key"),
}

SOURCES = {"page": "CRM_UI", "api": "API", "form": "FORM", "import": "IMPORT", "workflow": "AUTOMATION_PLATFORM", "merge": "MERGE_OBJECTS"}
CREATEDATE = {"contact", "company", "deal", "ticket", "product", "line_item"}  # of all others the property is called hs_createdate
