"""What is on the page of a mail: its links with their words, its images, its text, and what mail programs take out."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from baton.messaging.mail.merge_fields import Kept

DEAD = {"script", "iframe", "object", "embed", "form", "input", "video", "audio", "svg", "canvas"}
UNSEEN = {"style", "script", "head", "title"}


@dataclass(slots=True)
class Link:
    address: str
    text: str = ""
    image: bool = False  # it is around an image


@dataclass(frozen=True, slots=True)
class Image:
    address: str
    alt: str | None  # None: it has none


@dataclass(slots=True)
class Seen:
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    text: str = ""
    dead: set[str] = field(default_factory=set)

    @property
    def letters(self) -> int:
        return len("".join(self.text.split()))


def read(html: str) -> Seen:
    """Merge fields in it stay as they are, whatever stands in them."""
    kept = Kept()
    parser = _Page(kept)
    parser.feed(kept.away(html))
    parser.close()
    parser.seen.text = " ".join(" ".join(parser.words).split())
    return parser.seen


class _Page(HTMLParser):
    def __init__(self, kept: Kept) -> None:
        super().__init__(convert_charrefs=True)
        self.kept, self.seen, self.words = kept, Seen(), list[str]()
        self.link: Link | None = None
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: self.kept.back(value or "") for name, value in attrs}
        if tag in UNSEEN:
            self.hidden += 1
        if tag in DEAD:
            self.seen.dead.add(tag)
        if tag == "a" and "href" in given:
            self.link = Link(given["href"])
            self.seen.links.append(self.link)
        elif tag == "img":
            self.seen.images.append(Image(given.get("src", ""), given.get("alt")))
            if self.link is not None:
                self.link.image = True

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.hidden = max(0, self.hidden - 1)
        if tag == "a":
            self.link = None

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        said = self.kept.back(data)
        self.words.append(said)
        if self.link is not None:
            self.link.text += said
