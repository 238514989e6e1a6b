from typing import Any

import pytest

from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.dialect import BSD, LINUX, apply, dialect_of
from netwright.testing.drill.parse import UnsupportedError


def test_sysctls_tell_the_dialect() -> None:
    assert dialect_of("`sysctl -w net.inet.tcp.rfc1323=1`") is BSD
    assert dialect_of("`sysctl -q net.ipv4.tcp_sack=1`") is LINUX


def test_a_bsd_buffer_is_whole_segments() -> None:
    assert (BSD.buffer(1460), BSD.buffer(1440)) == (65700, 66240)
    assert LINUX.buffer(1000) == LINUX.settings.receive_buffer


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("timestamps", "0", "timestamps", False),
        ("sack", "1", "sack", True),
        ("ecn", "1", "ecn", "ask"),
        ("ecn", "0", "ecn", "off"),
        ("congestion_control", "reno", "congestion", "reno"),
        ("early_retrans", "0", "tail_loss_probe", False),
        ("syn_retries", "3", "syn_retries", 3),
        ("window_scaling", "0", "window_scale", None),
        ("hystart_detect", "3", "hystart", "linux"),
        ("net.inet.tcp.rfc1323", "0", "timestamps", False),
        ("net.inet.tcp.ecn.enable", "2", "ecn", "accept"),
        ("net.inet.tcp.rexmit_initial", "3000", "rto_initial", 3.0),
    ],
)
def test_a_sysctl_is_a_setting(name: str, value: str, setting: str, expected: Any) -> None:
    assert getattr(apply(Settings(), name, value), setting) == expected


@pytest.mark.parametrize(
    ("name", "attribute", "on"),
    [
        ("insecure_rst", "strict_rst", False),
        ("insecure_syn", "strict_syn", False),
        ("drop_synfin", "drop_syn_fin", True),
    ],
)
def test_a_bsd_sysctl_is_a_policy(name: str, attribute: str, on: bool) -> None:
    assert getattr(apply(Settings(), f"net.inet.tcp.{name}", "1").policy, attribute) is on
    assert getattr(apply(Settings(), f"net.inet.tcp.{name}", "0").policy, attribute) is not on


def test_what_does_not_matter_changes_nothing() -> None:
    assert apply(Settings(), "min_tso_segs", "10") == Settings()
    assert apply(Settings(), "fastopen", "0") == Settings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("fastopen", "0x403", "fastopen"), ("congestion_control", "vegas", "vegas"), ("sack", "x", "'x'")],
)
def test_what_the_endpoint_has_not_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(UnsupportedError, match=told):
        apply(Settings(), name, value)
