"""A wrong environment value is a sentence that names the variable."""

from pathlib import Path

import pytest

from baton.platform.config import ConfigError, read


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BATON_BIND", "8000", "HOST:PORT"),
        ("BATON_BIND", "0.0.0.0:99999", "HOST:PORT"),
        ("BATON_TIME_ZONE", "Seoul", "Asia/Seoul"),
        ("BATON_LANGUAGE", "jp", "'ko' or 'en'"),
        ("BATON_BASE_URL", "baton.example", "http:// or https://"),
        ("BATON_BASE_URL", "https://crm.example/baton", "without a path"),
        ("BATON_BASE_URL", "https://", "http:// or https://"),
        ("BATON_DATABASE_URL", "mysql://db/baton", "postgresql://"),
        ("BATON_DATABASE_URL", "postgresql://db:54x2/baton", "postgresql://"),
        ("BATON_SMTP_URL", "smtp://relay:99999", "smtp://host:port"),
        ("BATON_SMTP_URL", "relay:25", "smtp://host:port"),
        ("BATON_INTAKE", "127.0.0.1:2424", "lmtp://host:port"),
        ("BATON_INTAKE", "lmtp://127.0.0.1", "lmtp://host:port"),
        ("BATON_DEMO", "perhaps", "boolean"),
        ("BATON_ALLOW_PRIVATE_WEBHOOKS", "10.1.0.0/99", "10.1.0.0/16"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_would_do(tmp_path: Path, variable: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=variable) as error:
        read({"BATON_DATA_DIR": str(tmp_path), variable: value})
    assert says in str(error.value)
    assert value in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BATON_DATABASE_URL", "mysql://baton:hunter2@db/baton"),
        ("BATON_DATABASE_URL", "postgres:baton:hun/ter2@db/baton"),
        ("BATON_DATABASE_URL", "postgresql//baton:hunter2@db/baton"),
        ("BATON_SMTP_URL", "http://me:hunter2@relay"),
        ("BATON_SMTP_URL", "me:hunter2@relay:587"),
    ],
)
def test_a_wrong_address_does_not_tell_its_password(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable) as error:
        read({"BATON_DATA_DIR": str(tmp_path), variable: value})
    assert "ter2" not in str(error.value)


def test_a_misspelt_variable_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"BATON_BASE_ULR.*did you mean BATON_BASE_URL"):
        read({"BATON_DATA_DIR": str(tmp_path), "BATON_BASE_ULR": "https://baton.example"})


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read({"BATON_DATA_DIR": str(tmp_path), "BATON_BIND": "x", "BATON_LANGUAGE": "x"})
    assert "BATON_BIND" in str(error.value)
    assert "BATON_LANGUAGE" in str(error.value)


def test_the_secret_key_is_made_once_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    first, second = (read({"BATON_DATA_DIR": str(tmp_path)}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 48
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_empty_variables_count_as_not_given(tmp_path: Path) -> None:
    assert read({"BATON_DATA_DIR": str(tmp_path), "BATON_BIND": ""}).bind == "127.0.0.1:8000"
