"""netwright.proto.tcp.delivery."""

import pytest

from netwright.proto.tcp.delivery import Delivery
from netwright.proto.tcp.scoreboard import SentSegment
from netwright.proto.tcp.segment import ACK


def send(delivery: Delivery, at: float, out: int) -> SentSegment:
    record = SentSegment(0, 1, b"x", ACK, at)
    delivery.sent(record, out, at)
    return record


def test_rate_is_what_arrived_over_the_time_it_took() -> None:
    """draft-cheng-iccrg-delivery-rate-estimation-00 §2.2: ten segments, one in 10 ms, over a path of 100 ms."""
    delivery = Delivery()
    records = [send(delivery, 1.0, number) for number in range(10)]
    samples = []
    for number, record in enumerate(records):
        delivery.arrived(record, 1.1 + number * 0.01)
        samples.append(delivery.sample(0.1))
    assert samples[-1].rate == pytest.approx(10 / 0.19)
    assert delivery.delivered == 10


def test_acknowledgements_that_come_in_a_bunch_do_not_raise_the_rate() -> None:
    """§2.2.2: the interval is the longer one of sending and of arriving."""
    delivery = Delivery()
    delivery.arrived(send(delivery, 1.0, 0), 1.1)
    delivery.sample(0.1)
    for record in [send(delivery, 1.1 + number * 0.01, number + 1) for number in range(10)]:
        delivery.arrived(record, 1.21)
    assert delivery.sample(0.1).rate == pytest.approx(10 / 0.19)  # not 10 / 0.11


def test_an_interval_shorter_than_any_round_trip_is_no_sample() -> None:
    """§3.3: such a sample comes from acknowledgements that were not of this transmission."""
    delivery = Delivery()
    delivery.arrived(send(delivery, 1.0, 0), 1.05)
    assert delivery.sample(0.1).rate == 0.0


def test_samples_of_a_limited_program_say_so_until_they_are_delivered() -> None:
    """§3.4: app_limited."""
    delivery = Delivery()
    first = send(delivery, 1.0, 0)
    delivery.limit(1)
    second = send(delivery, 1.0, 1)
    delivery.arrived(first, 1.1)
    assert not delivery.sample(0.1).limited
    delivery.arrived(second, 1.1)
    assert delivery.sample(0.1).limited
    third = send(delivery, 1.2, 0)
    delivery.arrived(third, 1.3)
    assert not delivery.sample(0.1).limited


def test_a_segment_counts_once() -> None:
    """§3.3: SACKed first, acknowledged later."""
    delivery = Delivery()
    record = send(delivery, 1.0, 0)
    delivery.arrived(record, 1.1)
    delivery.arrived(record, 1.2)
    assert delivery.delivered == 1


def test_a_program_with_nothing_to_send_is_limited_before_the_first_delivery() -> None:
    """§3.4: app_limited = (delivered + pipe) or 1, for 0 would mean that it is not."""
    delivery = Delivery()
    delivery.limit(0)
    delivery.arrived(send(delivery, 1.0, 0), 1.1)
    assert delivery.sample(0.1).limited
