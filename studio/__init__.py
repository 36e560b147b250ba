"""Trocar Studio: from simulated laparoscopic scenes to realistic, labelled data sets, and the proof that they help."""

__version__ = "0.1.0"
