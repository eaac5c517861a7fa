"""HTTP's header Retry-After. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_until(header: str | None) -> float | None:
    """The seconds to wait, from a number of seconds or a date; None without a readable header."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
