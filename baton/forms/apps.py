from django.apps import AppConfig


class FormsConfig(AppConfig):
    name = "baton.forms"
    label = "forms"
