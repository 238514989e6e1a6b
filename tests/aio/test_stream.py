"""netwright.aio.stream: what the engines' streams have in common beside their verbs."""

from netwright.aio.stream import creation_site


def test_creation_site_is_outside_the_package() -> None:
    assert "test_stream.py" in creation_site()
