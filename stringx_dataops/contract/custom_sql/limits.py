"""How much custom SQL a document may hold, in whatever dialect it is written."""

MAX_SQL = 65_536  # characters of one custom SQL
MAX_TOKENS = 40_000  # words and signs of all custom SQL of one document: parsing them takes most of a second
