"""Applications of the toolkit, each run by the tests."""
