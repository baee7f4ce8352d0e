"""A mail server on localhost: takes mail over TLS with a password, shows it, and misbehaves on request."""
