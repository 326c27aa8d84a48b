"""HubSpot's words in the filters of lists, and Baton's."""

from baton.crm.models import PropertyType

TEXTS = {PropertyType.TEXT, PropertyType.EMAIL, PropertyType.PHONE, PropertyType.URL}
CHOICES = {PropertyType.CHOICE, PropertyType.MULTI_CHOICE, PropertyType.USER}
KNOWN = {"IS_KNOWN": "known", "IS_NOT_BLANK": "known", "IS_UNKNOWN": "unknown", "IS_BLANK": "unknown"}
TEXT = {
    "IS_EQUAL_TO": "is", "IS_NOT_EQUAL_TO": "is_not", "CONTAINS": "contains", "DOES_NOT_CONTAIN": "not_contains", "STARTS_WITH": "starts_with",
    "ENDS_WITH": "ends_with", "CONTAINS_EXACTLY": "is", "DOES_NOT_CONTAIN_EXACTLY": "is_not",
}  # fmt: skip
NUMBER = {
    "IS_EQUAL_TO": "is", "IS_NOT_EQUAL_TO": "is_not", "IS_GREATER_THAN": "more_than", "IS_GREATER_THAN_OR_EQUAL_TO": "at_least",
    "IS_LESS_THAN": "less_than", "IS_LESS_THAN_OR_EQUAL_TO": "at_most",
}  # fmt: skip
CHOICE = {"IS_ANY_OF": "any_of", "IS_NONE_OF": "none_of", "CONTAINS_ALL": "all_of", "IS_EXACTLY": "is", "IS_NOT_EXACTLY": "is_not"}
MOMENT = {"IS_EQUAL_TO": "is", "IS_BEFORE_DATE": "before", "IS_AFTER_DATE": "after", "EQUAL": "is", "BEFORE": "before", "AFTER": "after"}
ROLLING = {
    "IS_LESS_THAN_X_DAYS_AGO": "in_last_days", "IS_MORE_THAN_X_DAYS_AGO": "more_than_days_ago", "IS_LESS_THAN_X_DAYS_FROM_NOW": "in_next_days",
    "IS_MORE_THAN_X_DAYS_FROM_NOW": "more_than_days_ahead",
}  # fmt: skip
PAGES = {"HAS_PAGEVIEW_EQ": "is", "HAS_PAGEVIEW_CONTAINS": "contains", "NOT_HAS_PAGEVIEW_EQ": "is", "NOT_HAS_PAGEVIEW_CONTAINS": "contains"}
EMAILS = {"OPENED": "email_opened", "LINK_CLICKED": "email_clicked"}
NEGATIVE = {"is_not", "not_contains", "none_of"}
NEWS = {  # what was said of a kind of news; the first word of each is what Baton writes
    "SUBSCRIBED": "takes", "UNSUBSCRIBED": "refused", "NOT_SPECIFIED": "no_answer", "OPT_IN": "takes", "OPT_OUT": "refused", "NOT_OPTED": "no_answer",
}  # fmt: skip
EVENTS = {  # eventTypeId -> the kind of event
    "4-96000": "page_view", "4-1639801": "form_submission", "4-667638": "email_sent", "4-666440": "email_open", "4-666288": "email_click",
    "4-5470331": "email_bounce", "4-1555805": "cta_click", "4-1466013": "workflow_enrolled",
}  # fmt: skip
ABOUT = {"hs_form_id": "form_submission", "hs_url": "page_view", "hs_campaign_id": "email"}  # what names the thing an event was about
UNITS = {"DAY": ("yesterday", "today", "tomorrow")} | {
    unit.upper(): (f"last_{unit}", f"this_{unit}", f"next_{unit}") for unit in ("week", "month", "quarter", "year")
}
CALENDAR = ("IN_LAST_TIME_UNIT", "IN_THIS_TIME_UNIT", "IN_NEXT_TIME_UNIT")
PRIMARY = "1"  # associationTypeId of a contact's primary company
LINKED = {"company": "279", "deal": "4", "ticket": "15"}  # of a contact's others
