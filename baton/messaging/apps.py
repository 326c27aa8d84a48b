from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "baton.messaging"
    label = "messaging"
