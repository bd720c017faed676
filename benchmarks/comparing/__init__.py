"""The parts of benchmarks/compare.py: what is asked, by whom it is sent, what it cost, and how that is told."""
