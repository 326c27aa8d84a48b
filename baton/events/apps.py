from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "baton.events"
    label = "events"
