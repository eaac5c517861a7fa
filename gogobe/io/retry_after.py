"""The header Retry-After of HTTP. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_until(header: str | None) -> float | None:
    """Seconds to wait, from a number of seconds or a date; None where there is no header, or none that can be
    read."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
