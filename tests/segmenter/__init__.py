"""Tests of the segmenter, its measures and the report."""
