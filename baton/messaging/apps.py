from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "baton.messaging"
    label = "messaging"

    def ready(self) -> None:
        from baton.messaging.campaigns import uses  # noqa: F401  # says which campaigns use a list
