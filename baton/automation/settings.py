"""What holds for a whole workflow: how often somebody may enter, who never does, and what ends a run. Part of the graph, so a version keeps it."""

from typing import Annotated, Any, Literal

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation.field import Fields, Input

AGAIN = (
    ("never", _("Never: each one once")),
    ("on_rejoin", _("When a list, band or stage is entered anew")),
    ("every_time", _("At every new occasion")),
    ("after_days", _("At a new occasion, some days after the run before began")),
)
INSIDE = (
    ("stay", _("Goes on; the new occasion is passed over")),
    ("supersede", _("Ends; the new run begins at once")),
    ("wait", _("Goes on; the new run begins when it has ended")),
)
OPT_OUT = (("end", _("The run ends")), ("skip", _("Messages are skipped, the rest goes on")))
ON_REPLY = (("go_on", _("The run goes on")), ("end", _("The run ends")))


class Settings(Fields):
    again: Annotated[Literal["never", "on_rejoin", "every_time", "after_days"], Input("choice", _("Enroll again"), options=AGAIN)] = "every_time"
    again_days: Annotated[int, Field(ge=1, le=3650), Input("number", _("Days"), shown_when=("again", "after_days"))] = 30
    inside: Annotated[Literal["stay", "supersede", "wait"], Input("choice", _("A run that is still on its way"), options=INSIDE)] = "stay"
    audience: Annotated[dict[str, Any], Input("filter", _("Only those who"), optional=True)] = {}
    suppress: Annotated[tuple[int, ...], Input("segments", _("Never members of these lists"), help=_("Who joins one leaves the workflow."), optional=True)] = ()
    goal: Annotated[dict[str, Any], Input("filter", _("Goal: the run ends as soon as this holds"), optional=True)] = {}
    on_opt_out: Annotated[Literal["end", "skip"], Input("choice", _("Without consent to messages"), options=OPT_OUT)] = "skip"
    on_reply: Annotated[
        Literal["go_on", "end"], Input("choice", _("Somebody answers a mail"), help=_("Out-of-office notes do not count."), options=ON_REPLY)
    ] = "go_on"
