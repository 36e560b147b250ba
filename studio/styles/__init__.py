"""Style codes: drawing, palettes, diversity."""
