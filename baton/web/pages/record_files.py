"""Files of a record: add, download, delete for good."""

from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.crm import files
from baton.platform.errors import Invalid, NotFound

from ..answer import toast
from ..page import Page, actor
from ..parts.subject import BASE, Subject, of_record


class RecordFiles(Page):
    key = "record-files"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"files/$", add),
            re_path(BASE + r"files/(?P<holder>\d{1,18})/(?P<file>\d{1,18})/$", download),
            re_path(BASE + r"files/(?P<file>\d{1,18})/delete/$", delete),
        ]


def file_parts(sent: "UploadedFile[bytes]") -> tuple[str, bytes]:
    """Name and bytes of a sent file. Raises Invalid before a large one is read."""
    if sent.size and sent.size > files.LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file may have at most {n} MB.").format(n=files.LARGEST // 1024 // 1024))
    return sent.name or "", sent.read()


@require_POST
@of_record("edit")
def add(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Keep the sent files with the record; answers the list."""
    fault = ""
    sent = request.FILES.getlist("file")
    try:
        if not sent:
            raise Invalid.one("file", "REQUIRED", _("Choose a file first."))
        for file in sent:
            files.add(subject.id, *file_parts(file), actor=actor(request))
    except Invalid as error:
        fault = error.problems[0].message
    response = render(request, "records/files.html", {"subject": subject, "files": files.of([subject.id]), "fault": fault}, status=422 if fault else 200)
    return response if fault else toast(response, _("File added"))


@require_GET
@of_record()
def download(request: HttpRequest, subject: Subject, holder: str, file: str) -> HttpResponse:
    """The bytes, always as a download: a browser never shows or runs what somebody uploaded."""
    if int(holder) != subject.id and not subject.holds(int(holder)):
        raise NotFound(_("There is no such file."))
    about, content = files.get(int(holder), int(file))
    response = HttpResponse(content, content_type=about.media_type)
    plain = "".join(letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in about.name)
    response["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(about.name, safe='')}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@of_record("edit")
def delete(request: HttpRequest, subject: Subject, file: str) -> HttpResponse:
    """Delete a file of the record for good; answers the list."""
    files.remove(subject.id, int(file), actor=actor(request))
    response = render(request, "records/files.html", {"subject": subject, "files": files.of([subject.id])})
    return toast(response, _("File deleted"))
