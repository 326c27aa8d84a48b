from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "baton.content"
    label = "content"
