"""What can go wrong in the domain. HTTP knows how to show each; the domain knows nothing of HTTP."""

from dataclasses import dataclass


class DomainError(Exception):
    """Base of all; the text is for the user, in the user's language."""


class NotFound(DomainError):
    """There is no such thing (or not for this user)."""


class Forbidden(DomainError):
    """The actor has no right to do this."""


class Conflict(DomainError):
    """Somebody else already has this value, or the thing has moved on."""

    def __init__(self, message: str, *, existing_id: int | None = None) -> None:
        super().__init__(message)
        self.existing_id = existing_id


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of an input: where (`properties.email`), which (`INVALID_EMAIL`), and in words."""

    path: str
    code: str
    message: str


class Invalid(DomainError):
    """The input has faults; nothing was written."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.message}" for p in problems))
        self.problems = problems

    @classmethod
    def one(cls, path: str, code: str, message: str) -> "Invalid":
        return cls([Problem(path, code, message)])
