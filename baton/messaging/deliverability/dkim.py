"""Signs mails (DKIM, RFC 6376; Ed25519: RFC 8463): who can read the domain's DNS knows that its owner sent them and that nobody changed them since.

Headers are signed in the relaxed form, the body in the simple one: our bodies are quoted-printable, which nobody on the way has a reason to touch.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

RSA, ED25519 = "rsa-sha256", "ed25519-sha256"
ALGORITHMS = (RSA, ED25519)
RSA_BITS = 2048  # Gmail takes 1024 and up; 4096 does not fit one DNS answer
# Signed when they are there. RFC 8058 wants both list headers covered; Feedback-ID counts for the signing domain only.
SIGNED = frozenset(
    name.encode()
    for name in (
        *("from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted", "in-reply-to", "references"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "x-baton-message"),
    )
)
# Signed once more than they are there, so that nobody can add a second one.
SEALED = (b"from", b"to", b"subject", b"date", b"reply-to")
SPACES = re.compile(rb"[ \t]+")
_HASH, _PADDING = hashes.SHA256(), PKCS1v15()
Header = tuple[bytes, bytes]  # name and value as they are written, folded or not, without the last line end


@dataclass(frozen=True, slots=True)
class Signer:
    """One key of a domain."""

    domain: str
    selector: str
    algorithm: str
    key: RSAPrivateKey | Ed25519PrivateKey

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(data, _PADDING, _HASH)
        return self.key.sign(hashlib.sha256(data).digest())


@lru_cache(maxsize=256)
def signer(domain: str, selector: str, algorithm: str, pem: str) -> Signer:
    """Reading an RSA key takes milliseconds, so it is kept. Ours were made here, so their arithmetic is not checked again."""
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    return Signer(domain, selector, algorithm, cast(RSAPrivateKey | Ed25519PrivateKey, key))


def make(algorithm: str) -> tuple[str, str]:
    """A new key: the private one as PEM, and what the DNS record holds after p=."""
    if algorithm == ED25519:
        own = Ed25519PrivateKey.generate()
        public = own.public_key().public_bytes_raw()
        return _pem(own), b64encode(public).decode()
    made = generate_private_key(65537, RSA_BITS)
    public = made.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _pem(made), b64encode(public).decode()


def record(algorithm: str, public: str) -> str:
    """The text of the DNS record at <selector>._domainkey.<domain>."""
    return f"v=DKIM1; k={'ed25519' if algorithm == ED25519 else 'rsa'}; p={public}"


def signatures(signers: Sequence[Signer], headers: Sequence[Header], body: bytes, at: int) -> bytes:
    """The DKIM-Signature headers to put first, with their line ends; one for each key. `body` ends with CRLF, `at` is in seconds since 1970."""
    digest = b64encode(hashlib.sha256(body).digest())
    names = tuple(name.lower() for name, _value in headers)
    listed, order = _order(names)
    signed = b"".join(names[n] + b":" + _relaxed(headers[n][1]) + b"\r\n" for n in order)
    return b"".join(_signature(one, listed, signed, digest, at) for one in signers)


@lru_cache(maxsize=64)
def _order(names: tuple[bytes, ...]) -> tuple[bytes, tuple[int, ...]]:
    """The value of h= and the headers in the order they are signed: of two with one name the lower first (RFC 6376, 5.4.2)."""
    chosen = [n for n in range(len(names) - 1, -1, -1) if names[n] in SIGNED]
    chosen.sort(key=lambda n: (names.index(names[n]), -n))
    listed = [names[n] for n in chosen] + [name for name in SEALED if name in names or name == b"reply-to"]
    lines, line = [], b""
    for name in listed:
        if len(line) + len(name) > 66:
            lines.append(line)
            line = b""
        line += name + b":"
    return b"\r\n ".join([*lines, line[:-1]]), tuple(chosen)


def _signature(one: Signer, listed: bytes, signed: bytes, digest: bytes, at: int) -> bytes:
    value = (
        f"v=1; a={one.algorithm}; c=relaxed/simple; d={one.domain};\r\n s={one.selector}; t={at};\r\n h=".encode()
        + listed
        + b";\r\n bh="
        + digest
        + b";\r\n b="
    )
    made = b64encode(one.sign(signed + b"dkim-signature:" + _relaxed(value)))
    return b"DKIM-Signature: " + value + b"\r\n ".join(made[n : n + 72] for n in range(0, len(made), 72)) + b"\r\n"


def _relaxed(value: bytes) -> bytes:
    """RFC 6376, 3.4.2: unfolded, runs of blanks become one, none at the ends."""
    value = value.replace(b"\r\n", b"")
    return (SPACES.sub(b" ", value) if b"  " in value or b"\t" in value else value).strip(b" ")


def _pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
