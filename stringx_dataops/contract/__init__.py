"""The contract of both services: the documents they accept and store, their messages and answers, errors and settings.

Nothing here imports Flask, psycopg, dbt or another package of this project.
"""
