"""The unpaired translator: networks, losses, training, checkpoints, inference."""
