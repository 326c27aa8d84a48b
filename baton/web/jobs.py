"""What pages leave to the worker: changes of many records, whose end is a notice to the one who asked; and reminders of scores and unscored content."""

from collections.abc import Callable

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.accounts import permissions
from baton.accounts.models import User
from baton.messaging.colleagues import notify
from baton.platform import clock
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.jobs import every, job
from baton.segments import bulk, model_report
from baton.web.parts import content_scored
from baton.web.parts.address import table_url
from baton.web.parts.bulk_words import said


@job
def change_many(id: int) -> None:
    """Do a bulk change, or go on with it."""
    asked = bulk.run(id)
    _tell(asked.user_id, f"bulk:{id}", asked.object_type, lambda: said(asked))


@job
def undo_many(id: int) -> None:
    """Take a bulk change back."""
    asked = bulk.get(id)
    back = bulk.undo(id, user=User.objects.get(pk=asked.user_id))
    _tell(asked.user_id, f"bulk-undo:{id}", asked.object_type, lambda: ngettext("Taken back: %(n)d record", "Taken back: %(n)d records", back) % {"n": back})


def _tell(user_id: int, cause: str, object_type: str, words: Callable[[], str]) -> None:
    person = User.objects.get(pk=user_id)
    with translation.override(person.language or config().language):
        notify.users([user_id], cause=cause, title=_("A change of many records is done"), body=words(), url=table_url(object_type))


@every("10 1 * * *")
def review_scores() -> None:
    """In the first months of a score: once a month tell whoever published it, or all who may change it, to look how it does."""
    month = clock.now().astimezone(config().zone).strftime("%Y-%m")
    for model, publisher in model_report.due():
        for person in _concerned(Actor.parse(publisher)):
            with translation.override(person.language or config().language):
                title = _("Look at the score “{name}”").format(name=model.name)
                body = _("How many became MQL and SQL, what sales said, and how the points moved: in the first months this is worth a look every month.")
            notify.users([person.pk], cause=f"score-review:{model.pk}:{month}", title=title, body=body, url=f"/scoring/{model.key}/backtest/")


@every("*/10 * * * *")
def unscored_content() -> None:
    """Tell those who keep the scores of content that was published and gives no points."""
    content_scored.remind()


def _concerned(publisher: Actor) -> list[User]:
    found = User.objects.filter(pk=publisher.id or 0, is_active=True) if publisher.kind == "user" else User.objects.none()
    return list(found) or [person for person in User.objects.filter(is_active=True).order_by("pk") if permissions.can(person, "scoring", "edit")]
