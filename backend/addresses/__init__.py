"""Where people reach this installation."""
