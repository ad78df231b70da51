"""Signed verdicts: how a gate is, as a token that anybody can verify without asking again."""
