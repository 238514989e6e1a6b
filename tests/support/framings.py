"""What a framing makes of bytes that come in pieces."""

from typing import Any

from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import LimitError, ProtocolError
from netwright.proto.framing import Framing


def decoded(framing: Framing[Any], chunks: list[bytes]) -> tuple[list[Any], str, bytes]:
    """Messages, the error's class, and what stays in the buffer if there was no error."""
    buffer, messages = ReceiveBuffer(), []
    for chunk in chunks:
        buffer.append(chunk)
        try:
            while (message := framing.decode(buffer)) is not None:
                messages.append(message)
        except (ProtocolError, LimitError) as error:
            return messages, type(error).__name__, b""
    return messages, "", buffer.take_all()
