"""The kernel's view in sentences and columns."""

import dataclasses

import pytest

from netwright.console.kernel import by_addresses, explain_kernel, kernel_values, recorded_values, view_of
from netwright.core.address import InetAddress
from netwright.wire.inet_diag import DiagSocket
from tests.support.diag import made
from tests.support.records import LOCAL, PEER, values

ONE = bytes(15) + b"\1"


def test_sockets_are_found_by_the_text_of_records_addresses() -> None:
    six = dataclasses.replace(made(), family=10, source=ONE, source_port=80, destination=ONE)
    found = by_addresses([made(), six])
    assert set(found) == {(str(LOCAL), str(PEER)), ("[::1]:80", str(InetAddress("::1", PEER.port)))}


def test_view_of_a_socket_without_info_has_its_queues() -> None:
    view = view_of(kernel_values(dataclasses.replace(made(unread=3, unsent=4), attributes={})))
    assert (view.tcp, view.rtt, view.cwnd, view.rtx, view.unread, view.unsent) == ("ESTABLISHED", 0.0, 0, 0, 3, 4)


def test_state_without_a_name_is_its_number() -> None:
    assert view_of(kernel_values(made(state=99))).tcp == "99"


def test_values_have_the_kernel_s_fields_in_seconds() -> None:
    told = kernel_values(made(rtt=0.05))
    assert (told["state_name"], told["congestion"]) == ("ESTABLISHED", "cubic")
    assert told["rtt"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("entry", "titles"),
    [
        (made(), []),
        (made(state=8), ["The peer has finished"]),
        (made(unread=70_000), ["The program has not read"]),
        (made(rtx=1), []),
        (made(rtx=2), ["The path loses segments"]),
    ],
)
def test_each_cause_is_said_where_it_is_worth_it(entry: DiagSocket, titles: list[str]) -> None:
    assert [finding.title for finding in explain_kernel(kernel_values(entry))] == titles


def test_what_the_worker_asked_tells_the_same_without_queues() -> None:
    record = values(kernel={"state": 8, "rtt": 0.0123, "snd_cwnd": 10, "total_retrans": 3, "busy_time": 0.0})
    told = recorded_values(record)
    assert dataclasses.astuple(view_of(told)) == ("CLOSE_WAIT", 0.012, 10, 3, 0, 0)
    titles = [finding.title for finding in explain_kernel(told)]
    assert titles == ["The peer has finished", "The path loses segments"]
    assert recorded_values(values()) == {}
    assert explain_kernel({}) == []
