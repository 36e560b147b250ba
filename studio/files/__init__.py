"""Files: atomic writing, hashing, and pictures of every kind read safely."""
