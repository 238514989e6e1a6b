"""Benchmarks of the stream: one module a claim, ``python -m benchmarks.echo`` for the first of them."""
