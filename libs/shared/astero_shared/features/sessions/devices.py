"""What a sign-in tells of the device and the place it came from, coarse enough to stay the same for weeks."""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Final

# the first that matches names it: most browsers also call themselves by the names further down
_BROWSERS: Final = (
    (re.compile(r"\bEdg(?:e|A|iOS)?/"), "Edge"),
    (re.compile(r"\b(?:OPR|Opera)/"), "Opera"),
    (re.compile(r"\bSamsungBrowser/"), "Samsung Internet"),
    (re.compile(r"\b(?:Firefox|FxiOS)/"), "Firefox"),
    (re.compile(r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/"), "Chrome"),
    (re.compile(r"\bVersion/\S+ (?:Mobile/\S+ )?Safari/"), "Safari"),
)
_SYSTEMS: Final = (
    (re.compile(r"\biPhone\b|\biPad\b"), "iOS"),
    (re.compile(r"\bAndroid\b"), "Android"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\bMacintosh\b|\bMac OS X\b"), "macOS"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bLinux\b|\bX11\b"), "Linux"),
)
_PROGRAM: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


def family_of(user_agent: str | None) -> str | None:
    """`Firefox, Windows`, without versions; a program's own name; None where it says nothing we know."""
    if not user_agent:
        return None
    browser = next((name for pattern, name in _BROWSERS if pattern.search(user_agent)), None)
    system = next((name for pattern, name in _SYSTEMS if pattern.search(user_agent)), None)
    if browser is None and system is None:
        program = _PROGRAM.match(user_agent)
        return None if program is None else program[0]
    return ", ".join(filter(None, (browser, system)))


def network_of(ip: str | None) -> str | None:
    """The /24 of an IPv4 address, the /48 of an IPv6 one: one household or office keeps it."""
    if ip is None:
        return None
    if ":" in ip:
        return str(IPv6Network((ip, 48), strict=False))
    return str(IPv4Network((ip, 24), strict=False))
