"""The proof: segmenters, their measures and the report."""
