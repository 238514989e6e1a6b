from netwright.testing.drill.values import Script, Time, When


def test_script_without_lines_is_empty() -> None:
    assert Script((), {}).events == ()
    assert When(Time.ANY).end is None
