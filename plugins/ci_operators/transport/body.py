"""The body of an answer, up to the size that a page can have."""

from __future__ import annotations

import requests

from ci_operators.core.errors import RequestRefusedError

#: Bytes of a body, unpacked. A page has a thousand events, usually megabytes. A few packed bytes can unpack to
#: gigabytes, and a worker without memory is killed without a message.
LONGEST_BYTES = 1 << 28
#: Bytes of an error's body.
LONGEST_ERROR_BYTES = 1 << 20
#: Bytes to read at a time; the default of requests is 10 KB.
_READ_BYTES = 1 << 20


def read_body(response: requests.Response, title: str) -> bytes:
    """Return the body; of an error, only its start.

    Raises RequestRefusedError, with the status, as soon as the body is longer than any page.
    """
    has_worked = response.status_code < 300
    limit = LONGEST_BYTES if has_worked else LONGEST_ERROR_BYTES
    pieces, left = list[bytes](), limit
    for piece in response.iter_content(_READ_BYTES):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            break
    if left < 0 and has_worked:
        raise RequestRefusedError(
            f"{title} answered {response.status_code} with more than {limit >> 20} MB, more than any page has. The "
            "rest was not read.",
            status=response.status_code,
        )
    return b"".join(pieces)[:limit]
