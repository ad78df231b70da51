"""Ways of sending: an address of Apprise, or a signed webhook; each in a process of its own, which can be ended."""
