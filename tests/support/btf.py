"""The running kernel's own description of its structures (BTF, docs.kernel.org/bpf/btf.html): a judge of layouts."""

import struct
from pathlib import Path

import pytest

_MORE = {
    1: 4,
    2: 0,
    3: 12,
    7: 0,
    8: 0,
    9: 0,
    10: 0,
    11: 0,
    12: 0,
    14: 4,
    16: 0,
    17: 4,
    18: 0,
}  # bytes behind the header
_EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}  # a member


def members(structure: str) -> dict[str, int]:
    """Byte offsets of a structure's members by name; bit fields count from their first bit."""
    path = Path("/sys/kernel/btf/vmlinux")
    if not path.exists():
        pytest.skip("this kernel describes no types (CONFIG_DEBUG_INFO_BTF)")
    data = path.read_bytes()
    _, _, _, header, types, types_size, strings, _ = struct.unpack_from("=HBBIIIII", data)
    at, end, names = header + types, header + types + types_size, header + strings

    def name(offset: int) -> str:
        return data[names + offset : data.index(b"\0", names + offset)].decode()

    while at < end:
        label, info, _ = struct.unpack_from("=III", data, at)
        kind, count = info >> 24 & 0x1F, info & 0xFFFF
        at += 12
        if kind == 4 and name(label) == structure:
            rows = (struct.unpack_from("=III", data, at + 12 * index) for index in range(count))
            mask = 0xFFFFFF if info >> 31 else 0xFFFFFFFF  # with bit fields, the top byte is the width
            return {name(member): (offset & mask) // 8 for member, _, offset in rows}
        at += _EACH[kind] * count if kind in _EACH else _MORE[kind]
    pytest.skip(f"this kernel does not describe struct {structure}")
