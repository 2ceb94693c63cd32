"""The body of an answer: as long as a page can be, not as long as a server likes."""

from __future__ import annotations

import requests

from ci_operators.core.errors import RequestRefusedError

#: Bytes of a body, unpacked. A page is a thousand events, megabytes as a rule; a few packed bytes can stand for
#: gigabytes, and a worker without memory is killed without a word.
LONGEST_BYTES = 1 << 28
#: The same where the vendor says what went wrong.
LONGEST_ERROR_BYTES = 1 << 20
#: Bytes that are read at once: requests' own pieces are 10 KB.
_READ_BYTES = 1 << 20


def read_body(response: requests.Response, title: str) -> bytes:
    """Return the body; of an error's no more than its begin.

    Raises RequestRefusedError with the status for one that is longer than any page, once that is seen.
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
            f"{title} answered {response.status_code} with more than {limit >> 20} MB, which no page has: it was not "
            "read to its end.",
            status=response.status_code,
        )
    return b"".join(pieces)[:limit]
