"""Numbers as people read them: bytes, durations, throughputs, counts.  The page's format.js has the same rules.

The unit is chosen by the rounded number: 999,950 bytes are 1.0 MB, never 1000.0 kB.
"""

__all__ = ["bits", "count", "seconds", "size"]


def size(number: float) -> str:
    """Bytes: ``1.5 kB`` (powers of 1,000)."""
    for least, scale, unit in _SIZES:
        if number >= least:
            return f"{number / scale:.1f} {unit}"
    return f"{number:g} B"


def bits(rate: float) -> str:
    """Bytes a second as a throughput in bits: ``12.5 Mbit/s``."""
    number = rate * 8
    if number >= 999.5e6:
        return f"{number / 1e9:.2f} Gbit/s"
    if number >= 999.5e3:
        return f"{number / 1e6:.{1 if number < 99.95e6 else 0}f} Mbit/s"
    return f"{number / 1e3:.0f} kbit/s" if number >= 1e3 else f"{number:.0f} bit/s"


def seconds(length: float) -> str:
    """A duration: ``45 µs``, ``12.5 ms``, ``1.5 s``, ``2m 05s``, ``3h 10m``, ``4 d``."""
    for least, scale, digits, unit in _DURATIONS:
        if length < least:
            return f"{max(0.0, length) * scale:.{digits}f} {unit}" if length else "0 ms"
    if length < 3600:
        return f"{int(length / 60)}m {int(length % 60):02}s"
    return f"{int(length / 3600)}h {int(length % 3600 / 60):02}m" if length < 172800 else f"{int(length / 86400)} d"


def count(number: int) -> str:
    """A count in little room: ``12.5k``, ``1.2M``."""
    if number >= 999950:
        return f"{number / 1e6:.1f}M"
    return f"{number / 1e3:.1f}k" if number >= 10_000 else str(number)


_SIZES = ((999.95e6, 1e9, "GB"), (999.95e3, 1e6, "MB"), (1e3, 1e3, "kB"))
_DURATIONS = (
    (0.0009995, 1e6, 0, "µs"),
    (0.09995, 1e3, 1, "ms"),
    (0.9995, 1e3, 0, "ms"),
    (99.95, 1.0, 1, "s"),
)
