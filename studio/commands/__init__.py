"""The words of the command line, and how a job is shown on a terminal."""
