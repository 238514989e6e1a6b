from netwright.proto.http1.events import END, Data, End
from netwright.proto.http1.fields import NO_FIELDS


def test_end_without_trailers_is_one_value() -> None:
    assert End(NO_FIELDS) == END
    assert Data(b"a") == Data(b"a")
