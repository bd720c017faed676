"""The parts of benchmarks/flood.py: what is refused, and those who send it or are served beside it."""
