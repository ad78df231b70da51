"""The interface between Python and the dbt project: the gate test reads a specification and returns an outcome.

Both are plain JSON, and all their keys are declared here. Tests check every specification and outcome, and the macros that read
them, against these declarations.
"""
