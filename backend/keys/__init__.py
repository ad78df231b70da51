"""Named keys: made, listed, rotated, revoked."""
