"""The border between Python and the dbt project: what the gate test reads, its specification, and what it leaves, its outcome.

Both are plain JSON. Their keys are declared here; the tests hold every specification and every outcome of theirs to it, and the
macros that read them.
"""
