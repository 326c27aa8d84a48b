from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "baton.segments"
    label = "segments"
