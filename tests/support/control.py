"""The sandbox Discord's control API for tests: what people do there, and what one can see of it."""

from typing import Any

import httpx

from astero_sandbox.control import Control


class People(Control):
    """Blocking; ids are strings. A call that is not 2xx raises httpx.HTTPStatusError."""

    def get(self, path: str) -> Any:
        return self._send("GET", f"/sandbox{path}")

    def post(self, path: str, **body: Any) -> Any:
        return self._send("POST", f"/sandbox{path}", body)

    def patch(self, path: str, **body: Any) -> Any:
        return self._send("PATCH", f"/sandbox{path}", body)

    def put(self, path: str, **body: Any) -> Any:
        return self._send("PUT", f"/sandbox{path}", body)

    def calls(self, since: int = 0, **wanted: Any) -> list[dict[str, Any]]:
        """REST calls of bots, oldest first; `wanted` are fields of the log's entries."""
        entries = self.log(since)["entries"]
        return [
            entry
            for entry in entries
            if entry["kind"] == "rest" and all(entry.get(name) == value for name, value in wanted.items())
        ]

    def now(self) -> int:
        """Where the log stands: what is read from here on happens later."""
        return self.log(2**40)["next"]

    def direct_messages(self, user_id: str) -> list[dict[str, Any]]:
        return self.get(f"/users/{user_id}/messages")["messages"]

    def refused(self, method: str, path: str, **body: Any) -> httpx.Response:
        """A control call that is expected to be refused, with its problem."""
        return self._client.request(method, f"/sandbox{path}", json=body)
