from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "baton.content"
    label = "content"

    def ready(self) -> None:
        from baton.content import uses  # noqa: F401  # says which assets and pages need what is to be put aside
