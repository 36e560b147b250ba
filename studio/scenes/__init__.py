"""Simulated scenes: readers and the simulator."""
