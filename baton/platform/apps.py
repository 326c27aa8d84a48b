from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "baton.platform"
    label = "platform"
