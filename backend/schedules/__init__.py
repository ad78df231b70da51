"""Schedules: when they are due, their runs and what these ask for; and checks that are expected by a time of day."""
