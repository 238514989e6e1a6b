import pytest

from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.host import Host
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.shell import command
from tests.testing.drill.test_calls import served


def test_all_sysctls_of_a_command_are_set() -> None:
    host = Host(Settings())
    command(host, "sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_ecn=1\n ../set_sysctls.py /proc/sys/net/ipv4/tcp_frto=0")
    settings = host.settings
    assert (settings.sack, settings.ecn, settings.frto) == (False, "ask", False)
    command(host, "sysctl -w net.inet.tcp.insecure_rst=1")
    assert not host.settings.policy.strict_rst
    command(host, "echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect")
    assert host.settings.hystart == "linux"


def test_defaults_come_before_what_the_same_command_sets() -> None:
    host = Host(Settings())
    command(host, "../common/defaults.sh\nsysctl -q net.ipv4.tcp_syn_retries=2")
    assert (host.settings.slow_start_after_idle, host.settings.syn_retries) == (False, 2)


@pytest.mark.parametrize("text", ["ip route change 10.0.0.0/8", "tc qdisc replace dev tun0 root pfifo limit 0"])
def test_a_route_or_a_queue_is_unsupported(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"^(route|qdisc): "):
        command(Host(Settings()), text)


def test_what_changes_nothing_here_is_passed_over() -> None:
    host = Host(Settings())
    command(host, "ethtool -K tun0 tso off gso off; /tmp/sysctl_restore_${PPID}.sh")
    assert host.settings == Settings()


def test_sockets_in_a_state_are_counted() -> None:
    host = served()
    command(host, "sockstat -4 -P tcp -s | grep packetdril | grep -c ESTABLISHED | grep 1")
    command(host, "sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 0")
    with pytest.raises(DrillError, match=r"0 sockets in TIME_WAIT, 1 expected; there are ESTABLISHED"):
        command(host, "sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1")
    with pytest.raises(UnsupportedError, match="state BOUND"):
        command(host, "sockstat -s | grep -c BOUND | grep 1")
