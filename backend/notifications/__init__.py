"""Messages about gates: decided, planned, written, sent to channels."""
