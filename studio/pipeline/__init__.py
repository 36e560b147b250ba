"""Binds the stages to a project: every command of the command line is one call in here.

``flow`` shows the whole way from simulated scenes to the report on one page.
"""
