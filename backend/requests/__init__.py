"""Requests: tracked, sent to DataOps, finished by the result that comes back."""
