"""What the benchmarks share: servers of every library, a load in C, CPU and instructions counted, claims printed."""
