"""The proof: segmenters trained on equal terms, their measures on labels that none saw, and the report.

settings and metrics load without torch; networks, appearance, training, prediction and evaluation need it.
"""
