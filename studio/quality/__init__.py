"""How far a translation's labels can be trusted, and how real it looks."""
