from django.apps import AppConfig


class AutomationConfig(AppConfig):
    name = "baton.automation"
    label = "automation"

    def ready(self) -> None:
        from baton.automation import by_hand, uses  # noqa: F401  # enrolling many is a change of many; says which workflows use a list
