"""People who sign in at an OpenID provider: what the provider says of them, and their sessions."""
