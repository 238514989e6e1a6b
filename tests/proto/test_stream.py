"""netwright.proto.stream: the abstract type; ``netwright.testing.streams`` checks what engines make of it."""

import inspect

import netwright
from netwright.proto.stream import Stream


def test_stream_is_the_front_doors_and_every_verb_is_documented() -> None:
    assert netwright.Stream is Stream
    for name, member in inspect.getmembers(Stream):
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), name
