"""Activities on a record's page: write one down, change it, take it away and back, pin it, tick off a task."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.crm import activities, files, records
from baton.crm.activities import Activity
from baton.messaging.colleagues import mentions
from baton.platform.errors import Invalid, NotFound

from ..answer import faults, toast
from ..page import Page, actor
from ..parts import activity_words, composer, links
from ..parts.people import colleagues
from ..parts.subject import BASE, Subject, of_record
from .record import story
from .record_files import file_parts

ONE = BASE + r"activities/(?P<type>note|call|meeting|task|email|communication)/"


class RecordActivities(Page):
    key = "record-activities"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(ONE + r"$", write),
            re_path(ONE + r"new/$", new),
            re_path(ONE + r"(?P<activity>\d{1,18})/$", one),
            re_path(ONE + r"(?P<activity>\d{1,18})/(?P<verb>delete|restore|pin|unpin|done|undone)/$", act),
        ]


@of_record()
def new(request: HttpRequest, subject: Subject, type: str) -> HttpResponse:
    """The empty form of a type."""
    _may_log(subject, type)
    return render(request, "records/composer.html", {"subject": subject, "composer": _blank(subject, type), "fresh": True})


@require_POST
@of_record()
def write(request: HttpRequest, subject: Subject, type: str) -> HttpResponse:
    """Write an activity down; 422 with the faults under their fields. Whom a note mentions is told."""
    _may_log(subject, type)
    users = colleagues()
    form = _blank(subject, type)
    also = composer.chosen(request.POST)
    for other, id in also:
        subject.rights.require(other, "view", [records.get(other, id).owner_id])
    try:
        values = composer.read(type, request.POST, users)
        with transaction.atomic():
            id = activities.write(type, values, [(subject.key, subject.id), *also], actor=actor(request))
            _attach(type, id, request)
    except Invalid as error:
        form.values = {**form.values, **{name: str(request.POST[name]) for name in request.POST}}
        form.faults = faults(error)
        form.also = [(key, name, key in request.POST.getlist("also")) for key, name, _on in form.also]
        return render(request, "records/composer.html", {"subject": subject, "composer": form, "fresh": True}, status=422)
    mentions.tell(
        id, str(values.get("body", "")), about=subject.name, url=subject.url, actor=actor(request), contact_id=subject.id if subject.is_person else None
    )
    response = _after(request, subject, {"composer": _blank(subject, type)})
    return toast(response, _("{what} saved").format(what=activity_words.LABELS[type]))


def _attach(type: str, id: int, request: HttpRequest) -> None:
    """Keep the files of the form with the activity."""
    made = [files.add(id, *file_parts(file), actor=actor(request)) for file in request.FILES.getlist("file")]
    if made:
        records.update(type, id, {"files": ";".join(map(str, made))}, actor=actor(request), source="page")


@of_record()
def one(request: HttpRequest, subject: Subject, type: str, activity: str) -> HttpResponse:
    """One activity: GET shows it, or with `edit` its form; POST changes it."""
    found = _known(subject, type, int(activity))
    users = colleagues()
    if request.method == "POST":
        subject.rights.require(type, "edit", [found.owner_id])
        form = composer.of(subject, found, users)
        try:
            values = composer.read(type, request.POST, users)
            activities.change(type, found.id, values, actor=actor(request))
        except Invalid as error:
            form.values = {**form.values, **{name: str(request.POST[name]) for name in request.POST}}
            form.faults = faults(error)
            return render(request, "records/activity_edit.html", {"subject": subject, "composer": form}, status=422)
        before = {name: found.properties.get(name) for name in values}
        mentions.tell(found.id, str(values.get("body", "")), about=subject.name, url=subject.url, actor=actor(request))
        response = _entry(request, subject, type, found.id)
        if any(before[name] != records.get(type, found.id).properties.get(name) for name in before):
            response = toast(response, _("{what} saved").format(what=activity_words.LABELS[type]))
        return response
    if "edit" in request.GET:
        subject.rights.require(type, "edit", [found.owner_id])
        return render(request, "records/activity_edit.html", {"subject": subject, "composer": composer.of(subject, found, users)})
    return _entry(request, subject, type, found.id)


@require_POST
@of_record()
def act(request: HttpRequest, subject: Subject, type: str, activity: str, verb: str) -> HttpResponse:
    """Take an activity away or back, pin it, tick a task off or open it again."""
    found = _known(subject, type, int(activity))
    by = actor(request)
    base = f"{subject.url}activities/{type}/{found.id}/"
    undo: dict[str, Any] | None = None
    match verb:
        case "delete" | "restore":
            subject.rights.require(type, "delete", [found.owner_id])
            (records.archive if verb == "delete" else records.restore)(type, found.id, actor=by)
            text = _("Deleted") if verb == "delete" else _("Restored")
            undo = {"url": f"{base}restore/", "target": "#timeline", "values": {}} if verb == "delete" else None
        case "done" | "undone":
            if type != "task":
                raise NotFound(_("There is no such task."))
            subject.rights.require(type, "edit", [found.owner_id])
            activities.finish(found.id, verb == "done", actor=by)
            text = _("Task done") if verb == "done" else _("Task open again")
            undo = {"url": f"{base}undone/", "target": "#timeline", "values": {}} if verb == "done" else None
        case _:
            subject.rights.require(subject.key, "edit", [subject.row.owner_id])
            activities.pin(subject.key, subject.id, type, found.id if verb == "pin" else None, actor=by)
            text = _("Pinned") if verb == "pin" else _("No longer pinned")
    return toast(_after(request, subject, {}), text, undo)


def _may_log(subject: Subject, type: str) -> None:
    subject.rights.require(type, "create")
    if subject.archived:
        raise NotFound(_("This record is archived."))


def _blank(subject: Subject, type: str) -> composer.Composer:
    panels = {panel.key: panel for panel in links.panels(subject, "deal" if subject.is_person else "contact")}
    return composer.blank(subject, type, colleagues(), panels)


def _known(subject: Subject, type: str, id: int) -> Activity:
    """An activity of this record, or of a contact of it, that the reader may see; archived ones too. Raises NotFound."""
    row = records.get(type, id, archived=None)
    if not subject.holds(id):
        raise NotFound(_("There is no such record."))
    return activities.of(row)


def _entry(request: HttpRequest, subject: Subject, type: str, id: int) -> HttpResponse:
    names = {u.pk: u.name for u in colleagues()}
    found = activities.of(records.get(type, id))
    pinned = activities.pinned(subject.id, subject.rights)
    shown = activity_words.shown([found], names, subject.rights, pinned.id if pinned else None)[id]
    return render(request, "records/activity.html", {"subject": subject, "logged": shown})


def _after(request: HttpRequest, subject: Subject, more: dict[str, Any]) -> HttpResponse:
    """The timeline as it is now, with what stands above it."""
    users = colleagues()
    names = {u.pk: u.name for u in users}
    tasks = activities.open_tasks(subject.id, subject.rights)
    pinned = activities.pinned(subject.id, subject.rights)
    context = {
        **story(request, subject, users, request.GET.get("kind", "all")), **more,
        "tasks": activity_words.shown(tasks, names, subject.rights), "next": tasks[0].id if tasks else None,
        "pinned": activity_words.shown([pinned], names, subject.rights, pinned.id)[pinned.id] if pinned else None,
    }  # fmt: skip
    return render(request, "records/after.html", context)
