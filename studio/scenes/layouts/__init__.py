"""One module per layout of simulated scenes on disk; each recognises, lists and loads."""
