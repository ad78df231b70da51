"""Rules of other tools, taken up as table documents, and table documents in the words of other tools.

The same number must mean the same: what another tool counts differently is mapped exactly, or is a loss.
"""
