"""Providers with an API: Brevo, MailerSend, Mailgun, Mailjet, Postal, Postmark, Resend, SendGrid, SparkPost. What they share is provider.py."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from baton.messaging.channel import Setting
from baton.messaging.sending.provider import API_KEY, API_URL, CONNECTIONS, Probe, Provider

SIGNING = _("Signing key of its calls")
SIGNED = _("Its calls are signed: only those that the signing key above proves are believed.")


class Postmark(Provider):
    kind = "postmark"
    label = "Postmark"
    settings = (Setting("server_token", _("Server token"), "secret", required=True), Setting("message_stream", _("Message stream")), API_URL, CONNECTIONS)
    esp, view, url = "postmark", "PostmarkTrackingWebhookView", "https://api.postmarkapp.com/"

    def options(self) -> dict[str, Any]:
        return {"server_token": self.secret["server_token"], "message_stream": self.given.get("message_stream") or None}

    def probe(self) -> Probe:
        return Probe("server", {"X-Postmark-Server-Token": self.secret["server_token"], "Accept": "application/json"})

    def permanent(self, said: Any) -> bool:
        return str(said.get("Type", "")) in ("HardBounce", "BadEmailAddress")


class SendGrid(Provider):
    kind = "sendgrid"
    label = "SendGrid"
    settings = (API_KEY, Setting("verification_key", SIGNING, "secret", help=_("Signed event webhook: its public key.")), API_URL, CONNECTIONS)
    esp, view, url = "sendgrid", "SendGridTrackingWebhookView", "https://api.sendgrid.com/v3/"
    proof = _("Switch on the signed event webhook at SendGrid and enter its public key above: then only signed calls are believed.")
    own_ids = True

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"]}

    def hook_options(self) -> dict[str, Any]:
        return {"tracking_webhook_verification_key": self.secret.get("verification_key") or None}

    def probe(self) -> Probe:
        return Probe("scopes", {"Authorization": f"Bearer {self.secret['api_key']}"})

    def permanent(self, said: Any) -> bool:
        return bool(said.get("event") == "bounce" and said.get("type", "bounce") == "bounce")


class Mailgun(Provider):
    kind = "mailgun"
    label = "Mailgun"
    settings = (
        API_KEY,
        Setting("sender_domain", _("Domain at the provider"), required=True),
        Setting("region", _("Region"), "choice", "us", options=(("us", "US"), ("eu", "EU"))),
        Setting("signing_key", SIGNING, "secret", required=True, help=_("HTTP webhook signing key.")),
        API_URL,
        CONNECTIONS,
    )
    esp, view, url = "mailgun", "MailgunTrackingWebhookView", "https://api.mailgun.net/v3/"
    proof = SIGNED
    own_ids = True

    @property
    def api_url(self) -> str:
        return "https://api.eu.mailgun.net/v3/" if self.given.get("region") == "eu" and not self.given.get("api_url") else super().api_url

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"], "sender_domain": self.given["sender_domain"]}

    def hook_options(self) -> dict[str, Any]:
        return {"webhook_signing_key": self.secret["signing_key"]}

    def probe(self) -> Probe:
        return Probe(f"domains/{self.given['sender_domain']}", {}, ("api", self.secret["api_key"]))

    def permanent(self, said: Any) -> bool:
        return bool((said.get("event-data") or {}).get("severity") == "permanent")


class Brevo(Provider):
    kind = "brevo"
    label = "Brevo"
    settings = (API_KEY, API_URL, CONNECTIONS)
    esp, view, url = "brevo", "BrevoTrackingWebhookView", "https://api.brevo.com/v3/"

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"], "prevent_header_encoding_bugs": False}

    def probe(self) -> Probe:
        return Probe("account", {"api-key": self.secret["api_key"]})

    def permanent(self, said: Any) -> bool:
        return bool(said.get("event") == "hard_bounce")


class Resend(Provider):
    kind = "resend"
    label = "Resend"
    settings = (API_KEY, Setting("signing_secret", SIGNING, "secret", required=True, help=_("It begins with whsec_.")), API_URL, CONNECTIONS)
    esp, view, url = "resend", "ResendTrackingWebhookView", "https://api.resend.com/"
    proof = SIGNED

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"]}

    def hook_options(self) -> dict[str, Any]:
        return {"signing_secret": self.secret["signing_secret"]}

    def probe(self) -> Probe:
        return Probe("domains", {"Authorization": f"Bearer {self.secret['api_key']}"})

    def permanent(self, said: Any) -> bool:
        return bool(((said.get("data") or {}).get("bounce") or {}).get("type", "Permanent") == "Permanent")


class MailerSend(Provider):
    kind = "mailersend"
    label = "MailerSend"
    settings = (
        Setting("api_token", _("API token"), "secret", required=True),
        Setting("signing_secret", SIGNING, "secret", required=True),
        API_URL,
        CONNECTIONS,
    )
    esp, view, url = "mailersend", "MailerSendTrackingWebhookView", "https://api.mailersend.com/v1/"
    proof = SIGNED
    by_tag = True

    def options(self) -> dict[str, Any]:
        return {"api_token": self.secret["api_token"]}

    def hook_options(self) -> dict[str, Any]:
        return {"signing_secret": self.secret["signing_secret"]}

    def probe(self) -> Probe:
        return Probe("domains", {"Authorization": f"Bearer {self.secret['api_token']}"})

    def permanent(self, said: Any) -> bool:
        return str(said.get("type", "")).endswith("hard_bounced")


class SparkPost(Provider):
    kind = "sparkpost"
    label = "SparkPost"
    settings = (API_KEY, Setting("region", _("Region"), "choice", "us", options=(("us", "US"), ("eu", "EU"))), API_URL, CONNECTIONS)
    esp, view, url = "sparkpost", "SparkPostTrackingWebhookView", "https://api.sparkpost.com/api/v1/"

    @property
    def api_url(self) -> str:
        return "https://api.eu.sparkpost.com/api/v1/" if self.given.get("region") == "eu" and not self.given.get("api_url") else super().api_url

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"]}

    def probe(self) -> Probe:
        return Probe("account", {"Authorization": self.secret["api_key"]})

    def permanent(self, said: Any) -> bool:
        classes = [str(event.get("bounce_class", "")) for event in (said.get("msys") or {}).values() if isinstance(event, dict)]
        return any(number in ("10", "30", "90") for number in classes)


class Mailjet(Provider):
    kind = "mailjet"
    label = "Mailjet"
    settings = (API_KEY, Setting("secret_key", _("Secret key"), "secret", required=True), API_URL, CONNECTIONS)
    esp, view, url = "mailjet", "MailjetTrackingWebhookView", "https://api.mailjet.com/v3.1/"

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"], "secret_key": self.secret["secret_key"]}

    def probe(self) -> Probe:
        return Probe("../v3/REST/myprofile", {}, (self.secret["api_key"], self.secret["secret_key"]))

    def words(self, event: Any) -> str:
        said = event.esp_event
        return super().words(event) or f"{said.get('error') or ''} {said.get('comment') or ''}"

    def permanent(self, said: Any) -> bool:
        return bool(said.get("hard_bounce"))


class Postal(Provider):
    kind = "postal"
    label = "Postal"
    settings = (
        API_KEY,
        Setting("api_url", _("Address of the API"), required=True, help=_("https://postal.example.com/")),
        Setting("webhook_key", SIGNING, "secret", required=True, help=_("The public key of the server, without its first and last line.")),
        CONNECTIONS,
    )
    esp, view, url = "postal", "PostalTrackingWebhookView", ""
    proof = SIGNED

    def options(self) -> dict[str, Any]:
        return {"api_key": self.secret["api_key"]}

    def hook_options(self) -> dict[str, Any]:
        return {"webhook_key": self.secret["webhook_key"]}

    def probe(self) -> Probe:
        return Probe("api/v1/messages/message", {"X-Server-API-Key": self.secret["api_key"]})

    def permanent(self, said: Any) -> bool:
        return bool((said.get("payload") or {}).get("status") == "HardFail")
