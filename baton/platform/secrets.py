"""Encrypts what channels and connections must keep secret. Values are never logged."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from baton.platform.config import config


def _fernet() -> Fernet:
    key = hashlib.sha256(b"baton.secrets\0" + config().secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Raises ValueError when BATON_SECRET_KEY is not the one the value was stored with."""
    try:
        return _fernet().decrypt(stored.encode()).decode()
    except InvalidToken:
        raise ValueError("this secret was stored with another BATON_SECRET_KEY") from None
