"""Badges: images that show how a gate is, to anybody who knows their address."""
