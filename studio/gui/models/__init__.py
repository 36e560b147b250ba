"""Item models and other suppliers of the views."""
