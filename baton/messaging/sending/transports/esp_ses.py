"""Amazon SES by its API (version 2): takes the mail as we wrote it, with our signature, so boto3 is asked directly; its calls (SNS, proved by incoming/sns.py)
are read by anymail."""

import re
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.messaging.channel import Receipt, Result, Setting
from baton.messaging.incoming import sns
from baton.messaging.sending.provider import BREATHER, CONNECTIONS, MARK, TIMEOUT, Probe, Provider
from baton.messaging.sending.transport import Down, Letter
from baton.platform.errors import Invalid

if TYPE_CHECKING:  # boto3 takes long to import: only who sends with it does
    from botocore.exceptions import ClientError

    from baton.messaging.incoming.receipts import Told
    from baton.messaging.models import Inbound

TOO_MANY = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "LimitExceededException"})
WRONG_MAIL = frozenset({"MessageRejected", "BadRequestException", "ValidationException", "InvalidParameterValue"})
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")


class Ses(Provider):
    kind = "ses"
    label = "Amazon SES"
    settings = (
        Setting("access_key", gettext_lazy("Access key ID"), required=True),
        Setting("secret_key", gettext_lazy("Secret access key"), "secret", required=True),
        Setting("region", gettext_lazy("Region"), usual="ap-northeast-2", required=True),
        Setting("configuration_set", gettext_lazy("Configuration set"), help=gettext_lazy("It publishes bounces and complaints to an SNS topic.")),
        Setting("topic", gettext_lazy("SNS topic (ARN)"), help=gettext_lazy("Calls of another topic are not believed; without one, no call is.")),
        CONNECTIONS,
    )
    esp, view, url = "amazon_ses", "AmazonSESTrackingWebhookView", ""
    proof = gettext_lazy(
        "Subscribe this address (HTTPS) to the SNS topic above. Baton answers the question of SNS itself, and believes what Amazon has signed."
    )

    def options(self) -> dict[str, Any]:
        return {}

    def probe(self) -> Probe:
        raise NotImplementedError  # `check` asks boto3

    def hook_options(self) -> dict[str, Any]:
        return {"auto_confirm_sns_subscriptions": False, "client_params": self._params(), "session_params": {}}

    def receipts(self, inbound: "Inbound") -> "list[Told]":
        """Believes what Amazon has signed for our topic, and answers SNS' question whether we want its calls. Raises Invalid, http.Unreachable."""
        message = sns.read(bytes(inbound.body))
        if sns.PROVED not in inbound.headers:
            sns.check(message, str(self.given.get("topic") or ""))
            if message["Type"] == sns.QUESTION:
                sns.confirm(message)
            inbound.headers[sns.PROVED] = "yes"  # who reads it later needs not ask Amazon for its certificate again
            inbound.save(update_fields=["headers"])
        return super().receipts(inbound) if message.get("Type") == sns.NOTIFICATION else []

    def permanent(self, said: Any) -> bool:
        return bool((said.get("bounce") or {}).get("bounceType") == "Permanent")

    def _params(self) -> dict[str, Any]:
        region = str(self.given.get("region") or "")
        if not REGION.fullmatch(region):  # it becomes part of a host's name
            raise Invalid.one("region", "INVALID_OPTION", _("A region such as ap-northeast-2."))
        from botocore.client import Config

        once = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # a second try could be a second mail
            connect_timeout=TIMEOUT[0], read_timeout=TIMEOUT[1], max_pool_connections=max(1, int(self.given.get("connections") or 8)),
        )  # fmt: skip
        return {"region_name": region, "aws_access_key_id": self.given["access_key"], "aws_secret_access_key": self.secret["secret_key"], "config": once}

    def _client(self) -> Any:
        if not hasattr(self._local, "client"):
            import boto3

            self._local.client = boto3.session.Session().client("sesv2", **self._params())
        return self._local.client

    def _post(self, letter: Letter) -> Receipt:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError, SSLError

        own = f'X-Metadata: {{"{MARK}": "{letter.contact_id}.{letter.message_id}"}}\r\n'.encode()
        asked: dict[str, Any] = {"Destination": {"ToAddresses": [letter.address]}, "Content": {"Raw": {"Data": own + letter.content}}}
        if name := self.given.get("configuration_set"):
            asked["ConfigurationSetName"] = name
        try:
            client = self._client()
        except (BotoCoreError, Invalid, ValueError) as error:
            return self._stop(BREATHER, str(error)[:300])
        try:
            answer = client.send_email(**asked)
        except ClientError as error:
            return self._refused(error)
        except (EndpointConnectionError, ConnectTimeoutError, SSLError) as error:
            return self._stop(BREATHER, str(error)[:300])
        except (BotoCoreError, KeyError) as error:  # the answer was lost, or is none
            return Receipt(Result.UNKNOWN, str(error)[:300])
        key = str(answer.get("MessageId") or "")
        return Receipt(Result.SENT, "queued", 250, key) if key else Receipt(Result.UNKNOWN, _("the provider's answer cannot be understood"))

    def _refused(self, error: "ClientError") -> Receipt:
        said = error.response.get("Error", {})
        code, status = str(said.get("Code", "")), int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        text = f"{status} {code}: {said.get('Message', '')}"[:300]
        if code in TOO_MANY or status == 429:
            return self._stop(5.0, text)
        if code in WRONG_MAIL:
            return Receipt(Result.REFUSED, f"5.6.0 {text}", 554)
        if status in (408, 502, 504) or 200 <= status < 300:
            return Receipt(Result.UNKNOWN, text)
        if status >= 500:
            return Receipt(Result.DEFERRED, f"4.3.0 {text}", 451)
        return self._stop(BREATHER * 4, text)  # keys, rights, a domain that is not verified, an account that is paused

    def check(self) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            quota = self._client().get_account().get("SendQuota", {})
        except (BotoCoreError, ClientError) as error:
            raise Down(str(error)[:300]) from None
        return _("Amazon SES answers; {n} mails in 24 hours at most.").format(n=f"{int(quota.get('Max24HourSend', 0)):,}")
