"""Who probably followed a link or opened a mail: what a request says of itself, put to events/evidence.py, and what is kept of it."""

from baton.collector import networks
from baton.collector.http import Scope, header
from baton.events import evidence
from baton.events.vocabulary import Kind
from baton.platform.config import Config

TELLING = ("accept", "accept-language", "purpose", "sec-purpose", "x-purpose", "x-moz", "sec-fetch-mode", "sec-fetch-user")  # headers that are judged


class Judge:
    """One for all routes of mails and links."""

    def __init__(self, settings: Config) -> None:
        self.settings = settings
        self.networks = networks.Networks(settings.data_dir / "networks")
        self.secure = settings.url.startswith("https:")

    def said(self, kind: Kind, scope: Scope) -> dict[str, object]:
        """The parts of a payload: how probably a person and why, the name of the program, the truncated network where it is known."""
        where, agent = networks.address(scope), header(scope, b"user-agent")
        verdict = evidence.judge(
            kind=kind,
            method=scope["method"],
            user_agent=agent,
            network=self.networks.kind(where),
            headers={name: header(scope, name.encode()) for name in TELLING},
            secure=self.secure,
            headless=self.settings.demo,
        )
        net = networks.truncated(where)
        return {"ua": agent[: evidence.KEPT_AGENT], **verdict.payload(), **({"net": net} if net else {})}
