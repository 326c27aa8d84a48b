from django.apps import AppConfig


class AutomationConfig(AppConfig):
    name = "baton.automation"
    label = "automation"

    def ready(self) -> None:
        from baton.automation import uses  # noqa: F401  # says which workflows use a list
