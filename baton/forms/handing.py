"""Hands out the file of a form: by a signed link that expires, and the contact's download is remembered."""

from urllib.parse import quote

from django.utils.translation import gettext as _

from baton.crm import contacts
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms.models import Form, FormFile
from baton.platform import clock, signing
from baton.platform.config import config
from baton.platform.errors import NotFound


def take(token: str, *, follow: bool = True) -> tuple[str, str, bytes]:
    """(name, media type, bytes) of what a token hands out; with `follow` the download is noted on the contact. Raises NotFound."""
    numbers = signing.read("form_file", token)
    if numbers is None or len(numbers) != 4 or numbers[3] < clock.now().timestamp():
        raise NotFound(_("This link is not one of ours, or it is too old."))
    form_id, file_id, contact_id, _until = numbers
    file = FormFile.objects.filter(pk=file_id, form_id=form_id, quarantine_id=None).first()
    form = Form.objects.filter(pk=form_id).first()
    if file is None or form is None:
        raise NotFound(_("There is no such file."))
    contact_id = contacts.resolve(contact_id)
    if follow and contact_id and identity.is_known(contact_id):
        key = f"{config().url}/f/{form.guid}/{quote(file.name)}".partition("://")[2]
        record.add([NewEvent(contact_id, Kind.DOWNLOAD, clock.now(), key, file.name, payload={"page": f"{config().url}/f/{form.guid}/"})])
    return file.name, file.media_type, bytes(file.content)
