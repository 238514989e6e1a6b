from netwright.proto.fields import NO_FIELDS
from netwright.proto.http1.events import END, Data, End


def test_end_without_trailers_is_one_value() -> None:
    assert End(NO_FIELDS) == END
    assert Data(b"a") == Data(b"a")
