"""Where the milliseconds of a lone check go."""
