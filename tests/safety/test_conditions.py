"""Custom SQL as our parser reads it and as PostgreSQL does: what is accepted is one expression that calls allowed functions only."""
