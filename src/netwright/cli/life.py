"""The life of one connection as text: peer, wait, where its time went, the kernel's view."""

import textwrap
from collections.abc import Callable
from typing import Any

from netwright.cli.table import printable, shorten
from netwright.core.units import seconds, size

__all__ = ["life"]

_BAR = 20  # columns of the longest share
_NUMBERS = 20  # columns of the gaps and numbers before it
_INFINITE = 0x7FFFFFFF  # TCP_INFINITE_SSTHRESH of include/net/tcp.h
_KERNEL: dict[str, Callable[[Any], str]] = {  # fields of struct tcp_info that are shown, with what prints them
    "rtt": seconds,
    "rttvar": seconds,
    "min_rtt": seconds,
    "rto": seconds,
    "snd_cwnd": str,
    "snd_ssthresh": lambda segments: "infinite" if segments == _INFINITE else str(segments),
    "unacked": str,
    "total_retrans": str,
    "notsent_bytes": size,
    "snd_wnd": size,
    "rcv_wnd": size,
    "delivery_rate": lambda rate: f"{size(rate)}/s",
}


def life(answer: dict[str, Any], width: int) -> list[str]:
    """Return the lines for an answer of ``/api/connections/ID``, none wider than ``width``; 0 cuts nothing."""
    row = answer["row"]
    lines = [
        f"{row['id']}  {row['peer']} {'←' if row['role'] == 'connected' else '→'} {row['local']}",
        f"{row['service']}  {row['protocol']}  {row['state']}  {_age(answer)}",
        f"in {size(row['bytes_in'])}, out {size(row['bytes_out'])}, {row['messages']:,} messages",
    ]
    if row["subject"]:
        lines.append(f"last message: {row['subject']}")
    if row["waiting"]:
        lines.append(f"waits for: {row['waiting']}")
    if row["note"]:
        lines.append(f"why it ended: {row['note']}")
    lines += _shares(answer["ledger"], width)
    for finding in answer["findings"]:
        lines += ["", finding["title"], *_wrapped(finding["text"], width)]
        lines += _wrapped(finding["advice"], width)
    lines += _kernel(answer["kernel"] or {}, width)
    return [shorten(printable(line), width) if width else printable(line) for line in lines]


def _age(answer: dict[str, Any]) -> str:
    return f"{'lived' if answer['row']['closed'] else 'open for'} {seconds(answer['age'])}"


def _shares(ledger: list[dict[str, Any]], columns: int) -> list[str]:
    """Return a bar for each cause, as long as its share of the time; ``columns`` is the terminal's width or 0."""
    if not ledger:
        return []
    width = max(len(share["cause"]) for share in ledger)
    longest = min(_BAR, columns - width - _NUMBERS) if columns else _BAR
    bars = [
        f"  {share['cause']:<{width}}  {100 * share['share']:>3.0f} %  {seconds(share['seconds']):>7}  "
        f"{'█' * round(longest * share['share'])}"
        for share in ledger
    ]
    return ["", "where its time went", *(bar.rstrip() for bar in bars)]


def _kernel(values: dict[str, Any], width: int) -> list[str]:
    told = [f"{name} {show(values[name])}" for name, show in _KERNEL.items() if name in values]
    return ["", "the kernel", *_wrapped(", ".join(told), width)] if told else []


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, (width or 80) - 2), initial_indent="  ", subsequent_indent="  ")
