"""Django's settings, all derived from the `BATON_*` variables (baton.platform.config)."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from baton.platform.config import config

BASE = Path(__file__).resolve().parent
BATON = config()


def database(url: str) -> dict[str, object]:
    """Django's description of a postgresql:// address; a `host=` query names a socket folder."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10},
        "TEST": {"NAME": f"test_{unquote(parts.path.lstrip('/')) or 'postgres'}"},
    }


SECRET_KEY = BATON.secret_key
DEBUG = False
ALLOWED_HOSTS = ["*"]  # links are built from BATON_BASE_URL, never from the Host header
ROOT_URLCONF = "baton.urls"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(BATON.database_url or "postgresql:///baton")}

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_cotton",
    "django_htmx",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
    "baton.platform",
    "baton.accounts",
    "baton.crm",
    "baton.events",
    "baton.forms",
    "baton.content",
    "baton.segments",
    "baton.messaging",
    "baton.automation",
    "baton.analytics",
    "baton.web",
]
MIDDLEWARE = [
    "baton.web.middleware.SecurityHeaders",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "baton.web.middleware.Language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "baton.web.middleware.DomainErrors",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "web" / "templates"],  # before allauth's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "baton.web.shell.context",
            ],
            "builtins": ["baton.web.templatetags.fmt", "django.templatetags.static", "django.templatetags.i18n"],
        },
    }
]
APPEND_SLASH = False  # a redirect would lose the body of a POST

LANGUAGE_CODE = BATON.language
LANGUAGES = [("ko", _("Korean")), ("en", _("English"))]
LOCALE_PATHS = [BASE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = BATON.time_zone

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "web" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BATON.url.startswith("https")
SESSION_COOKIE_NAME = "baton_session"
CSRF_COOKIE_NAME = "baton_csrf"
CSRF_TRUSTED_ORIGINS = [BATON.url]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BATON.url.startswith("https") else None

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("email", "name")}},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited by an administrator
ACCOUNT_ADAPTER = "baton.accounts.adapter.Adapter"
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # such a mail would invite to sign up

_smtp = urlsplit(BATON.smtp_url)
EMAIL_HOST = _smtp.hostname
EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_smtp.username or "")
EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
EMAIL_USE_SSL = _smtp.scheme == "smtps"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = BATON.mail_from

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
LOGGING_CONFIG = None  # baton.platform.logs sets up logging for every process
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # programs name each property they want in a parameter of its own
SILENCED_SYSTEM_CHECKS: list[str] = []
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
