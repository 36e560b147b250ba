"""What a long task says while it runs, and who runs it."""
