"""Incidents: listed, told as a story, acknowledged, summed up. The database opens and closes them (`0029_incidents.sql`)."""
