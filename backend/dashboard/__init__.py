"""The dashboard: pages for people, rendered on the server from the same insights as the API."""
