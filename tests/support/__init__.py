"""Harnesses that the tests of several folders, and the benchmarks, use: databases, processes, installations, brokers."""
