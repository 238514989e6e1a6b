import pytest

from netwright.core import errors
from netwright.core.errors import ConnectError, DeadlineError, IncompleteError, LimitError, NetwrightError, ResetError


def test_text_has_message_rule_and_advice() -> None:
    error = errors.ProtocolError("chunk size is not hexadecimal: b'zz'", reference="RFC 9112 §7.1", advice="send hex")
    assert str(error) == "chunk size is not hexadecimal: b'zz' (RFC 9112 §7.1); send hex"


def test_limit_names_the_setting_and_both_numbers() -> None:
    assert str(LimitError("max_line", 9000, 8192)) == "max_line: 9000 bytes seen, 8192 allowed"
    assert str(LimitError("body", 10**11, 1 << 24)) == "body: 100000000000 bytes seen, 16777216 allowed"
    assert str(LimitError("rate", 2.5, 1.0, unit="a second")) == "rate: 2.5 a second seen, 1 allowed"


def test_deadline_names_the_stage_and_is_a_timeout() -> None:
    error = DeadlineError("first byte", 10.0)
    assert isinstance(error, TimeoutError)
    assert str(error) == "first byte: nothing after 10 s"


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_culprit_and_a_docstring(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, NetwrightError)
    assert kind.__doc__
    assert kind is NetwrightError or kind.culprit != "nobody"


def test_textbook_code_that_catches_the_standard_errors_still_works() -> None:
    with pytest.raises(ConnectionResetError):
        raise ResetError("reset")
    with pytest.raises(EOFError):
        raise IncompleteError("cut", partial=b"ab")
    with pytest.raises(OSError, match="none"):
        raise ConnectError("none", [ValueError("x")])
