"""Landing pages to begin with, in the page's language: product, download, webinar, event, newsletter. All words are there to be replaced."""

from collections.abc import Callable
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from baton.content import blocks

Block = dict[str, Any]
NAMES: dict[str, tuple[str | Promise, str | Promise]] = {  # key -> name, what it is for
    "product": (gettext_lazy("Product"), gettext_lazy("What it solves, numbers, what customers say, a request for advice.")),
    "download": (gettext_lazy("Brochure"), gettext_lazy("A document for an e-mail address: what is in it, and the form.")),
    "webinar": (gettext_lazy("Webinar"), gettext_lazy("What it is about, who speaks, and the registration.")),
    "event": (pgettext_lazy("landing page", "Event"), gettext_lazy("A fair or a seminar: where, when, and a meeting at the booth.")),
    "newsletter": (gettext_lazy("Newsletter"), gettext_lazy("What comes how often, and one field.")),
    "empty": (gettext_lazy("Empty page"), gettext_lazy("Only an opening.")),
}


def content(key: str, language: str, *, title: str = "", form: int | None = None, asset: int | None = None) -> dict[str, Any]:
    """The document of a starter; `form` and `asset` are put where it has room for them, else such blocks wait for a choice."""
    with translation.override(language):
        made = BLOCKS.get(key, _empty)(form, asset)
        first = made[0]
        if title:
            first["title"] = title
        return blocks.document(title or str(first["title"]), made, description=str(first.get("text", ""))[:300])


def _product(form: int | None, asset: int | None) -> list[Block]:
    return [
        {
            "kind": "hero",
            "eyebrow": _("Name of the product"),
            "title": _("Say in one line what becomes easier"),
            "align": "center",
            "text": _("Two sentences for somebody who has the problem and has never heard of you."),
            "button": _("Ask for advice"),
            "link": "#form",
        },
        {
            "kind": "numbers",
            "rows": [
                {"value": "1,200", "label": _("companies work with it")},
                {"value": "38%", "label": _("less time at the end of the month")},
                {"value": "2", "label": _("weeks until it runs")},
            ],
        },
        {
            "kind": "features",
            "title": _("What it takes off your hands"),
            "columns": "3",
            "rows": [
                {"title": _("First thing"), "text": _("What somebody does today, and what is different afterwards.")},
                {"title": _("Second thing"), "text": _("A number, an example or a name says more than an adjective.")},
                {"title": _("Third thing"), "text": _("What people ask about most before they decide.")},
            ],
        },
        {"kind": "quote", "text": _("One sentence of a customer, in his own words."), "name": _("Name"), "role": _("Position, company")},
        {
            "kind": "faq",
            "title": _("Questions"),
            "rows": [
                {"question": _("What does it cost?"), "answer": _("Say it, or say what it depends on.")},
                {"question": _("How long does it take?"), "answer": _("From the first talk to the first day of use.")},
            ],
        },
        *([{"kind": "asset", "asset": asset, "button": _("Read it")}] if asset else []),
        {"kind": "form", "form": form, "title": _("Ask for advice"), "text": _("We call back within a working day.")},
        {"kind": "footer"},
    ]


def _download(form: int | None, asset: int | None) -> list[Block]:
    return [
        {
            "kind": "hero",
            "eyebrow": _("Free document"),
            "title": _("What the reader knows after twenty pages"),
            "text": _("For whom it is, and what it answers."),
            "button": _("Get the document"),
            "link": "#form",
        },
        {"kind": "heading", "title": _("What is in it"), "align": "start"},
        {
            "kind": "text",
            "body": _("- First chapter: the question it answers\n- Second chapter: an example with numbers\n- Third chapter: a list to work through"),
        },
        *(
            [{"kind": "asset", "asset": asset, "button": _("Get the document")}]
            if asset
            else [{"kind": "form", "form": form, "title": _("Get the document"), "text": _("It opens at once, and comes by e-mail too.")}]
        ),
        {"kind": "footer"},
    ]


def _webinar(form: int | None, asset: int | None) -> list[Block]:
    return [
        {
            "kind": "hero",
            "eyebrow": _("Webinar · date and time"),
            "title": _("The question this hour answers"),
            "text": _("For whom it is, and what they take home."),
            "button": _("Register"),
            "link": "#form",
            "align": "center",
        },
        {
            "kind": "features",
            "title": _("What it is about"),
            "columns": "3",
            "rows": [
                {"title": _("First part"), "text": _("What is changing, in ten minutes.")},
                {"title": _("Second part"), "text": _("How others did it, with numbers.")},
                {"title": _("Third part"), "text": _("Your questions.")},
            ],
        },
        {"kind": "quote", "text": _("Why the speaker talks about this."), "name": _("Speaker"), "role": _("Position, company")},
        *(
            [{"kind": "asset", "asset": asset, "button": _("Register")}]
            if asset
            else [{"kind": "form", "form": form, "title": _("Register"), "text": _("The link comes by e-mail. Whoever cannot be there gets the recording.")}]
        ),
        {"kind": "footer"},
    ]


def _event(form: int | None, asset: int | None) -> list[Block]:
    return [
        {
            "kind": "hero",
            "eyebrow": _("Fair · hall and booth"),
            "title": _("What visitors can try at the booth"),
            "text": _("Day, place, and whom they meet."),
            "button": _("Book a meeting"),
            "link": "#form",
        },
        {
            "kind": "features",
            "title": _("At the booth"),
            "columns": "2",
            "rows": [
                {"title": _("Try it"), "text": _("Ten minutes with the real thing.")},
                {"title": _("Talk about your case"), "text": _("With somebody who has done it before.")},
            ],
        },
        {"kind": "form", "form": form, "title": _("Book a meeting"), "text": _("Choose a time; we keep it free for you.")},
        *([{"kind": "asset", "asset": asset, "button": _("Read it")}] if asset else []),
        {"kind": "footer"},
    ]


def _newsletter(form: int | None, asset: int | None) -> list[Block]:
    return [
        {"kind": "hero", "title": _("One useful mail every two weeks"), "text": _("What is in it, and who writes it."), "align": "center"},
        {"kind": "form", "form": form, "title": _("Subscribe"), "text": _("Every mail has a link to unsubscribe.")},
        {"kind": "footer"},
    ]


def _empty(form: int | None, asset: int | None) -> list[Block]:
    return [{"kind": "hero", "title": _("Heading of the page")}, {"kind": "footer"}]


BLOCKS: dict[str, Callable[[int | None, int | None], list[Block]]] = {
    "product": _product,
    "download": _download,
    "webinar": _webinar,
    "event": _event,
    "newsletter": _newsletter,
    "empty": _empty,
}
