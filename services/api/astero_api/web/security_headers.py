"""The headers of every answer of every kind, 304, 404, 405 and 500 included.

They are set by the outermost ASGI wrapper: a framework's hooks do not run on answers it makes itself. Only
bytes that are no HTTP request are answered without them, by the parser of the server: an empty 400, 414 or
431 that names nothing and closes the connection.
"""

from typing import Final

_FEATURES: Final = (
    "accelerometer",
    "autoplay",
    "bluetooth",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "web-share",
    "window-management",
    "xr-spatial-tracking",
)

Header = tuple[bytes, bytes]

# two years, as the security page promises
_TRANSPORT: Final = b"max-age=63072000; includeSubDomains"
_PERMISSIONS: Final = b"permissions-policy"
# passkeys are made and used on pages of ours, in no frame of anybody's
_PAGE_PERMISSIONS: Final = ", ".join(
    f"{name}=(self)" if name.startswith("publickey-credentials-") else f"{name}=()" for name in _FEATURES
).encode()

API_SECURITY_HEADERS: Final[tuple[Header, ...]] = (
    (b"strict-transport-security", _TRANSPORT + b"; preload"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (_PERMISSIONS, ", ".join(f"{name}=()" for name in _FEATURES).encode()),
    (b"cache-control", b"no-store"),
    # Granian adds its own name where an application gives none, and cannot be told not to
    (b"server", b"astero"),
)

CSP_REPORTS_PATH: Final = "/api/reports/csp"
_REPORTING: Final[Header] = (b"reporting-endpoints", f'csp="{CSP_REPORTS_PATH}"'.encode())
_KEPT: Final[Header] = (b"cache-control", b"public, max-age=31536000, immutable")
_POLICY: Final = b"content-security-policy"
_OURS: Final = frozenset(name for name, _ in (*API_SECURITY_HEADERS, _REPORTING)) | {b"x-request-id"}


def security_headers(*, preload: bool) -> tuple[Header, ...]:
    """All of them; without `preload` browser vendors may not put the domain into their lists, which takes
    months to undo.
    """
    if preload:
        return API_SECURITY_HEADERS
    return ((b"strict-transport-security", _TRANSPORT), *API_SECURITY_HEADERS[1:])


def page_policy(nonce: str) -> bytes:
    """What a page may load and run: scripts with the nonce of this answer, styles of ours, nothing inline.

    No form is sent by the browser itself: before the script runs, that would put a password in the address.
    Browsers that know `report-to` pass over `report-uri`.
    """
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self';"
        " img-src 'self' https://cdn.discordapp.com; connect-src 'self'; font-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script';"
        f" report-uri {CSP_REPORTS_PATH}; report-to csp"
    ).encode("ascii")


def with_security_headers(
    headers: list[Header],
    *extra: Header,
    ours: tuple[Header, ...] = API_SECURITY_HEADERS,
    page_nonce: str | None = None,
    lasts: bool = False,
) -> list[Header]:
    """`headers` without any that we own, then `ours` once each (twice is invalid to every browser).

    With `page_nonce` the answer is a page, which the policy of the api's answers would leave blank; one that
    `lasts` is nobody's own, and kept.
    """
    if lasts:
        ours = tuple(_KEPT if name == _KEPT[0] else (name, value) for name, value in ours)
    if page_nonce is not None:
        of_pages = {_POLICY: page_policy(page_nonce), _PERMISSIONS: _PAGE_PERMISSIONS}
        ours = (*((name, of_pages.get(name, value)) for name, value in ours), _REPORTING)
    kept = [(name, value) for name, value in headers if name.lower() not in _OURS]
    return [*kept, *ours, *extra]
