"""Domain names on the wire, with compression (RFC 1035 §3.1, §4.1.4).

A name is text in lower or upper case as it came, without the root's dot at its end; "" is the root.  A dot, a
backslash or a byte outside of visible ASCII inside a label is written as master files do: ``\\.`` or ``\\DDD``
(RFC 1035 §5.1).
"""

from netwright.core.errors import IncompleteError, ProtocolError, UsageError

__all__ = ["NameWriter", "labels_of", "parse_name", "text_of"]

_LABEL, _NAME = 63, 255  # bytes of a label, of a name with its length bytes (RFC 1035 §2.3.4)
_POINTER = 0xC0


def parse_name(message: bytes, offset: int) -> tuple[str, int]:
    """Read a name; return it and the offset after it.

    Each pointer must point before the previous one, so that there is no loop and no more than 127 labels.

    Raises:
        IncompleteError: the message ends inside the name.
        ProtocolError: a pointer that points forward, a label type that is not known, or more than 255 bytes.
    """
    labels: list[bytes] = []
    size, at, behind, limit = 1, offset, -1, offset
    while True:
        length = _byte(message, at)
        if length & _POINTER == _POINTER:
            target = (length & 0x3F) << 8 | _byte(message, at + 1)
            if target >= limit:
                raise ProtocolError(
                    f"name pointer to byte {target} at byte {at}, below {limit} allowed", reference="RFC 1035 §4.1.4"
                )
            behind = at + 2 if behind < 0 else behind
            at = limit = target
            continue
        if length > _LABEL:
            raise ProtocolError(f"name label of type {length >> 6} at byte {at}", reference="RFC 1035 §4.1.4")
        at += 1
        if length == 0:
            return text_of(labels), at if behind < 0 else behind
        size += length + 1
        if size > _NAME:
            raise ProtocolError(f"name of more than {_NAME} bytes at byte {offset}", reference="RFC 1035 §2.3.4")
        label = message[at : at + length]
        if len(label) < length:
            raise _cut(message, at)
        labels.append(label)
        at += length


def _byte(message: bytes, at: int) -> int:
    if at >= len(message):
        raise _cut(message, at)
    return message[at]


def _cut(message: bytes, at: int) -> IncompleteError:
    return IncompleteError(f"name at byte {at} ends behind the message of {len(message)}", reference="RFC 1035 §3.1")


def text_of(labels: list[bytes]) -> str:
    """Labels as text."""
    return ".".join(_escaped(label) for label in labels)


def _escaped(label: bytes) -> str:
    if label.isalnum() and label.isascii():
        return label.decode("ascii")
    return "".join(
        f"\\{chr(byte)}" if byte in b".\\" else chr(byte) if 0x21 <= byte <= 0x7E else f"\\{byte:03d}" for byte in label
    )


def labels_of(name: str) -> list[bytes]:
    """Text as labels; a dot at the end is the root's.

    Raises:
        UsageError: a label is empty or longer than 63 bytes, the name longer than 255, or an escape is broken.
    """
    if not name.isascii():
        raise UsageError(f"name outside of ASCII: {name!r}", advice="encode it with IDNA first")
    raw = name.encode("ascii")
    if raw == b".":
        return []
    labels = _split(raw) if b"\\" in raw else raw.split(b".")
    if labels[-1] == b"":
        labels.pop()
    if any(not 0 < len(label) <= _LABEL for label in labels):
        raise UsageError(f"name with a label of 0 or more than {_LABEL} bytes: {name!r}", reference="RFC 1035 §2.3.4")
    if sum(len(label) + 1 for label in labels) + 1 > _NAME:
        raise UsageError(f"name of more than {_NAME} bytes: {name!r}", reference="RFC 1035 §2.3.4")
    return labels


def _split(raw: bytes) -> list[bytes]:
    """Labels of a name with escapes (RFC 1035 §5.1)."""
    labels = [bytearray()]
    at = 0
    while at < len(raw):
        if raw[at : at + 1] == b".":
            labels.append(bytearray())
        elif raw[at : at + 1] != b"\\":
            labels[-1].append(raw[at])
        elif raw[at + 1 : at + 4].isdigit() and len(raw) >= at + 4 and int(raw[at + 1 : at + 4]) < 256:
            labels[-1].append(int(raw[at + 1 : at + 4]))
            at += 3
        elif at + 1 < len(raw) and not raw[at + 1 : at + 2].isdigit():
            labels[-1].append(raw[at + 1])
            at += 1
        else:
            raise UsageError(f"broken escape in a name: {raw.decode()!r} at {at}", reference="RFC 1035 §5.1")
        at += 1
    return [bytes(label) for label in labels]


class NameWriter:
    """Writes names into a message with compression; ``data`` is the message so far."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self._places: dict[tuple[bytes, ...], int] = {}

    def write(self, name: str, *, compress: bool = True) -> None:
        """Append a name; an ending that the message already contains is written as a pointer (RFC 1035 §4.1.4).

        Raises:
            UsageError: as ``labels_of``.
        """
        labels = tuple(labels_of(name))
        for index, label in enumerate(labels):
            place = self._places.get(labels[index:])
            if compress and place is not None:
                self.data += (_POINTER << 8 | place).to_bytes(2, "big")
                return
            if len(self.data) < 0x4000:
                self._places.setdefault(labels[index:], len(self.data))
            self.data.append(len(label))
            self.data += label
        self.data.append(0)
