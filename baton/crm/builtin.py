"""The object types, properties and pipelines every Baton has. Property names are HubSpot's defaults where one exists."""

from django.db import transaction
from django.utils.translation import gettext_noop as _

from baton.crm import properties
from baton.crm.models import ObjectType, Pipeline, PropertyDefinition, Stage

OBJECT_TYPES = {  # key: label, plural, what a record is called by
    "contact": (_("Contact"), _("Contacts"), "email"),
    "company": (_("Company"), _("Companies"), "name"),
    "deal": (_("Deal"), _("Deals"), "dealname"),
    "ticket": (_("Ticket"), _("Tickets"), "subject"),
}

INDUSTRIES = {
    "manufacturing": _("Manufacturing"),
    "logistics": _("Logistics"),
    "it": _("IT and software"),
    "retail": _("Retail"),
    "construction": _("Construction"),
    "bio": _("Biotech and pharma"),
    "education": _("Education"),
    "finance": _("Finance"),
    "other": _("Other"),
}
SENIORITY = {"exec": _("Executive"), "head": _("Head of department"), "manager": _("Manager"), "staff": _("Staff")}
LEAD_SOURCES = {
    "search": _("Search"),
    "webinar": _("Webinar"),
    "ad_linkedin": _("Ad · LinkedIn"),
    "ad_naver": _("Ad · Naver"),
    "referral": _("Referral"),
    "exhibition": _("Exhibition"),
    "direct": _("Direct visit"),
    "newsletter": _("Newsletter"),
}
BUDGETS = {"unknown": _("Unknown"), "short": _("Too small"), "fit": _("Fitting"), "ample": _("Ample")}
AUTHORITY = {"decider": _("Decides"), "influencer": _("Influences"), "user": _("Uses"), "unknown": _("Unknown")}
TIMEFRAMES = {"now": _("Now"), "quarter": _("Within 3 months"), "half": _("Within 6 months"), "year": _("Within a year"), "unknown": _("Unknown")}
LIFECYCLE = {
    "subscriber": _("Subscriber"),
    "lead": _("Lead"),
    "mql": _("MQL"),
    "sql": _("SQL"),
    "opportunity": _("Opportunity"),
    "customer": _("Customer"),
    "recycled": _("Recycled"),
    "deadend": _("Dead end"),
}
PRIORITIES = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "urgent": _("Urgent")}

Row = tuple[str, str, str, str, dict[str, str]]  # name, label, type, group, options

PROPERTIES: dict[str, list[Row]] = {
    "contact": [
        ("email", _("Email"), "email", "basic", {}),
        ("lastname", _("Family name"), "text", "basic", {}),
        ("firstname", _("Given name"), "text", "basic", {}),
        ("phone", _("Phone"), "phone", "basic", {}),
        ("mobilephone", _("Mobile phone"), "phone", "basic", {}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("lifecyclestage", _("Lifecycle stage"), "choice", "basic", LIFECYCLE),
        ("lead_source", _("Source"), "choice", "basic", LEAD_SOURCES),
        ("company", _("Company name"), "text", "company", {}),
        ("jobtitle", _("Job title"), "text", "company", {}),
        ("seniority", _("Seniority"), "choice", "company", SENIORITY),
        ("industry", _("Industry"), "choice", "company", INDUSTRIES),
        ("numberofemployees", _("Employees"), "number", "company", {}),
        ("website", _("Website"), "url", "company", {}),
        ("city", _("City"), "text", "company", {}),
        ("country", _("Country"), "text", "company", {}),
        ("budget", _("Budget"), "choice", "qualification", BUDGETS),
        ("authority", _("Authority"), "choice", "qualification", AUTHORITY),
        ("need", _("Need"), "text", "qualification", {}),
        ("timeframe", _("Timeframe"), "choice", "qualification", TIMEFRAMES),
        ("competitor", _("Works at a competitor"), "boolean", "qualification", {}),
        ("student", _("Student"), "boolean", "qualification", {}),
    ],
    "company": [
        ("name", _("Name"), "text", "basic", {}),
        ("domain", _("Domain"), "text", "basic", {}),
        ("owner_id", _("Owner"), "user", "basic", {}),
        ("industry", _("Industry"), "choice", "basic", INDUSTRIES),
        ("numberofemployees", _("Employees"), "number", "basic", {}),
        ("annualrevenue", _("Annual revenue"), "number", "basic", {}),
        ("phone", _("Phone"), "phone", "basic", {}),
        ("city", _("City"), "text", "basic", {}),
        ("business_number", _("Business registration number"), "text", "basic", {}),
    ],
    "deal": [
        ("dealname", _("Deal name"), "text", "basic", {}),
        ("amount", _("Amount"), "number", "basic", {}),
        ("closedate", _("Close date"), "date", "basic", {}),
        ("pipeline", _("Pipeline"), "text", "basic", {}),
        ("dealstage", _("Deal stage"), "text", "basic", {}),
        ("owner_id", _("Owner"), "user", "basic", {}),
    ],
    "ticket": [
        ("subject", _("Subject"), "text", "basic", {}),
        ("content", _("Description"), "text", "basic", {}),
        ("pipeline", _("Pipeline"), "text", "basic", {}),
        ("ticket_stage", _("Ticket stage"), "text", "basic", {}),
        ("priority", _("Priority"), "choice", "basic", PRIORITIES),
        ("owner_id", _("Owner"), "user", "basic", {}),
    ],
}

PIPELINES = {  # object type: label, stages as key: label, probability, closed
    "deal": (
        _("Sales pipeline"),
        {
            "qualified": (_("Qualified"), 0.2, False),
            "meeting": (_("Meeting"), 0.4, False),
            "proposal": (_("Proposal"), 0.6, False),
            "negotiation": (_("Negotiation"), 0.8, False),
            "closedwon": (_("Won"), 1.0, True),
            "closedlost": (_("Lost"), 0.0, True),
        },
    ),
    "ticket": (
        _("Support pipeline"),
        {
            "new": (_("New"), 0.0, False),
            "waiting_contact": (_("Waiting on contact"), 0.0, False),
            "waiting_us": (_("Waiting on us"), 0.0, False),
            "closed": (_("Closed"), 0.0, True),
        },
    ),
}


def ensure() -> None:
    """Make what is missing of all this; what is there is left as people changed it."""
    with transaction.atomic():
        ObjectType.objects.bulk_create(
            [ObjectType(key=key, label=label, label_plural=plural, primary_property=primary) for key, (label, plural, primary) in OBJECT_TYPES.items()],
            ignore_conflicts=True,
        )
        PropertyDefinition.objects.bulk_create(
            [
                PropertyDefinition(
                    object_type_id=object_type,
                    name=name,
                    label=label,
                    type=type,
                    group=group,
                    options=[{"value": value, "label": text} for value, text in options.items()],
                    unique_value=name == "email",
                    builtin=True,
                    position=position,
                )
                for object_type, rows in PROPERTIES.items()
                for position, (name, label, type, group, options) in enumerate(rows)
            ],
            ignore_conflicts=True,
        )
        for object_type, (label, stages) in PIPELINES.items():
            pipeline, made = Pipeline.objects.get_or_create(object_type=object_type, key="default", defaults={"label": label})
            if made:
                Stage.objects.bulk_create(
                    Stage(pipeline=pipeline, key=key, label=text, position=position, probability=probability, closed=closed)
                    for position, (key, (text, probability, closed)) in enumerate(stages.items())
                )
    properties.forget()
