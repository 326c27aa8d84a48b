"""What pages leave to the worker: changes of many records. Its end is a notice to the one who asked."""

from collections.abc import Callable

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.accounts.models import User
from baton.messaging import notify
from baton.platform.config import config
from baton.platform.jobs import job
from baton.segments import bulk
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
