"""One file a parser: mutated input, and the exceptions that it may raise."""
