"""The vocabulary of both services: what they accept, store, answer and say to each other.

Nothing in here imports Flask, psycopg, dbt or another package of ours.
"""
