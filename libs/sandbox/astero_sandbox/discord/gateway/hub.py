"""Which sessions and sockets exist now, by application."""

from collections.abc import Iterator

from .connection import Connection
from .session import Session


class Hub:
    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._sessions: dict[str, Session] = {}
        self._by_application: dict[int, list[Session]] = {}

    def add(self, session: Session) -> None:
        self._sessions[session.id] = session
        self._by_application.setdefault(session.application_id, []).append(session)

    def drop(self, session: Session) -> None:
        if self._sessions.pop(session.id, None) is not None:
            self._by_application[session.application_id].remove(session)

    def find(self, session_id: str) -> Session | None:
        session = self._sessions.get(session_id)
        if session is not None and session.has_expired():
            self.drop(session)
            return None
        return session

    def sessions_of(self, application_id: int) -> list[Session]:
        return self._by_application.get(application_id, [])

    def connections_of(self, application_id: int | None) -> Iterator[Connection]:
        """The open sockets of one application, or of all."""
        for connection in list(self.connections):
            if application_id is None or connection.application_id == application_id:
                yield connection

    def drop_expired(self) -> None:
        for session in list(self._sessions.values()):
            if session.has_expired():
                self.drop(session)
