"""What `benchmarks/live.py` measures with."""
