"""What every page is served with: nothing inline, nothing from elsewhere."""


def page_headers(*, form_action: str | None = None) -> dict[str, str]:
    """`form_action` is one more origin a form may end up at."""
    forms = "'self'" if form_action is None else f"'self' {form_action}"
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
        f" img-src 'self' data:; connect-src 'self'; form-action {forms};"
        " base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
