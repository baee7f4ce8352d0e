"""OAuth2: the consent page, the token routes, and who granted what."""
