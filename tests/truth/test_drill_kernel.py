"""Random dialogues with the endpoint, played to this machine's kernel by packetdrill: it must say the same.

cd packetdrill/gtests/net/packetdrill && ./configure
sed -i 's/script_tcp->psh,/actual_tcp->psh,/' run_packet.c && make packetdrill      # PSH is not compared
NETWRIGHT_PACKETDRILL=.../packetdrill pytest tests/truth/test_drill_kernel.py       # root
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.kernel_dialogues import KINDS, script

pytestmark = [pytest.mark.truth, pytest.mark.timeout(600)]
EACH, DIFFERING = 40, 4  # dialogues of a kind, and on how many of them the kernel may disagree
RETRIES = 3  # a busy machine is late
SYSCTLS = {
    "net.ipv4.tcp_rmem": "4096 540000 15728640",
    "net.ipv4.tcp_ecn": "0",
    "net.ipv4.tcp_congestion_control": "reno",
    "net.ipv4.tcp_tso_win_divisor": "100",  # send what cwnd allows, do not wait for a larger burst
}
ADDRESSES = (
    "--ip_version=ipv4",
    "--local_ip=192.168.0.1",
    "--gateway_ip=192.168.0.1",
    "--netmask_ip=255.255.0.0",
    "--remote_ip=192.0.2.1",
    "--send_omit_free",
    "--strict_segments",
)


def packetdrill() -> Path:
    root = os.environ.get("NETWRIGHT_PACKETDRILL")
    if root is None:
        pytest.skip("NETWRIGHT_PACKETDRILL is not set")
    if os.geteuid() != 0:
        pytest.skip("root is needed for a network namespace")
    program = Path(root) / "gtests/net/packetdrill/packetdrill"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    return program


def complaint(program: Path, path: Path) -> str:
    """What packetdrill says of the kernel; "" if nothing."""
    settings = "; ".join(f"sysctl -q {name}='{value}'" for name, value in SYSCTLS.items())
    command = f'ip link set lo up; {settings}; exec "$0" "$@"'
    arguments = ["unshare", "--net", "sh", "-c", command, str(program), *ADDRESSES, path.name]
    for _ in range(RETRIES):
        done = subprocess.run(arguments, cwd=path.parent, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0:
            return ""
        if "timing error" not in done.stderr:
            break
    return done.stderr.strip().split("\n")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_would_have_said_the_same(kind: str, tmp_path: Path) -> None:
    program = packetdrill()
    complaints = []
    for seed in range(EACH):
        path = tmp_path / f"{seed}.pkt"
        path.write_text(script(kind, seed))
        found = complaint(program, path)
        if "tcp_psh" in found:
            pytest.skip("packetdrill compares PSH, which is not modelled; build it without, as the first lines say")
        if found:
            complaints.append(f"seed {seed}: {found}")
    assert len(complaints) <= DIFFERING, "\n".join(complaints)
