"""The project folder: catalogue, atomic files, references."""
