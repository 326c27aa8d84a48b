from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "baton.segments"
    label = "segments"

    def ready(self) -> None:
        from baton.segments import uses  # noqa: F401  # says which lists, scores and stages need what is to be put aside
