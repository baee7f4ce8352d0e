"""What the command line may change about the server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`heartbeat_ms` is what HELLO tells; `identify_window` the seconds between two identifies of
    one application (Discord: 5); `enforce_limits` off keeps the headers and never answers 429.
    """

    host: str
    port: int
    heartbeat_ms: int = 41_250
    identify_window: float = 5.0
    enforce_limits: bool = True

    @property
    def http_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.host}:{self.port}"
