"""What a preview engine writes: one JSON line an answer, and after it the bytes that the line announces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO


def send_answer(outgoing: BinaryIO, header: Mapping[str, Any], data: bytes = b"") -> None:
    """Write an answer at once; ``header`` says the number of ``data``'s bytes, if any, as ``bytes``."""
    outgoing.write(json.dumps(header, separators=(",", ":")).encode() + b"\n" + data)
    outgoing.flush()
