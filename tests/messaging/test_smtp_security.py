"""Encryption on the way to the relay, and passwords that never travel without it."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from baton.messaging.channel import Result
from baton.messaging.sending import transport
from baton.messaging.sending.transport import Down
from tests.messaging.relay import free_port


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "relay.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


class Encrypted:
    """Notes whether the mail came over TLS."""

    def __init__(self) -> None:
        self.encrypted: list[bool] = []

    async def handle_DATA(self, _server: SMTP, session: Session, _envelope: Envelope) -> str:
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@dataclass
class Mail:
    contact_id: int = 1
    message_id: int = 1
    address: str = "b@b.example"
    envelope_from: str = "a@nuriwork.example"
    content: bytes = b"Subject: x\r\n\r\nx\r\n"


def send(url: str) -> None:
    """Hand one mail over, or raise Down with what is in its way."""
    carrier = transport.of_url(url)
    [receipt] = carrier.send([Mail()])
    carrier.close()
    if receipt.result != Result.SENT:
        raise Down(receipt.reason)


def test_starttls_is_used_where_it_is_offered(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    relay, port = Encrypted(), free_port()
    server = Controller(relay, hostname="127.0.0.1", port=port, tls_context=context)
    server.start()
    try:
        send(f"smtp://127.0.0.1:{port}")
        assert relay.encrypted == [True]
        with pytest.raises(Down, match="certificate"):  # with a password at stake the relay must prove who it is
            send(f"smtp://user:secret@127.0.0.1:{port}")
    finally:
        server.stop()


def test_a_password_is_not_sent_in_the_clear() -> None:
    relay, port = Encrypted(), free_port()
    server = Controller(relay, hostname="127.0.0.1", port=port)
    server.start()
    try:
        with pytest.raises(Down, match="STARTTLS"):
            send(f"smtp://user:secret@127.0.0.1:{port}")
        send(f"smtp://127.0.0.1:{port}")
        assert relay.encrypted == [False]
    finally:
        server.stop()


def test_a_relay_that_is_not_there_is_down() -> None:
    with pytest.raises(Down):
        send(f"smtp://127.0.0.1:{free_port()}")
