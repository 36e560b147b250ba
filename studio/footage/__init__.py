"""Real footage: readers and screening."""
