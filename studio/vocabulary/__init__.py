"""The frozen values in which the stages meet. Imports numpy and the standard library only."""
