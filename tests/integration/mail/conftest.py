"""A mail server for the tests of this folder, emptied for each."""

from collections.abc import Iterator

import pytest
from support.mail import MailSandbox, running_mail


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSandbox]:
    with running_mail(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def mail(mail_server: MailSandbox) -> Iterator[MailSandbox]:
    yield mail_server
    mail_server.clear()
