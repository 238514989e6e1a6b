"""netwright.sim.device: the kernel's end of a TUN device, in a network namespace of its own."""

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

import pytest

from netwright.core.errors import TransportError
from netwright.sim.device import Device
from netwright.wire.decode import decode_ip
from tests.support.netns import IN_NAMESPACE, inside

_GET_MTU = 0x8921  # SIOCGIFMTU


def _names() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def test_a_refusal_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> object:
        def fail(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        return fail

    monkeypatch.setattr("netwright.sim.device.os.open", refuse(errno.EACCES))
    with pytest.raises(TransportError, match="CAP_NET_ADMIN"):
        Device()
    monkeypatch.setattr("netwright.sim.device.os.open", refuse(errno.ENOENT))
    with pytest.raises(TransportError, match="no TUN device here"):
        Device()


@IN_NAMESPACE
def test_addresses_routes_and_mtu_are_the_kernels() -> None:
    """rtnetlink(7): asked of the kernel itself."""
    inside(_configured)


def _configured() -> None:
    device = Device(["10.9.0.1/24", "fd00:9::1/64"], name="probe0", mtu=1300, routes=["192.0.2.0/24"])
    assert device.name == "probe0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, _GET_MTU, struct.pack("16sI20x", b"probe0", 0))
    assert struct.unpack_from("I", answer, 16) == (1300,)
    routes = Path("/proc/net/route").read_text()
    assert {row.split()[1] for row in routes.splitlines()[1:]} == {"0000090A", "000200C0"}
    assert "fd000009000000000000000000000001" in Path("/proc/net/if_inet6").read_text()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"hello", ("192.0.2.7", 9))
        assert udp.getsockname()[0] == "0.0.0.0"
    found = [decode_ip(packet) for packet in iter(device.read, None)]
    assert b"hello" in [packet.payload for packet in found]
    device.write(b"\0 is no version of IP")
    assert device.errors == 1
    device.close()
    device.close()
    assert device.fileno() == -1
    assert _names() == ["lo"]


@IN_NAMESPACE
def test_a_wrong_configuration_leaves_no_device() -> None:
    inside(_wrong)


def _wrong() -> None:
    with pytest.raises(TransportError):
        Device(["10.9.0.1/24"], name="probe1", routes=["10.9.0.0/24"], mtu=1 << 20)
    assert _names() == ["lo"]
    first = Device(name="probe2")
    with pytest.raises(TransportError, match="busy"):
        Device(name="probe2")
    first.close()
