"""The databases that are checked: how they are reached, and the sessions of a check on them."""
