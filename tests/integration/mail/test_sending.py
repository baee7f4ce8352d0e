"""A letter leaves with its transaction, once, over TLS that was verified, or not at all."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from support.api import environment
from support.log_capture import CapturedLog, captured_log
from support.mail import MailSandbox, link_of
from support.office import Office, running_office
from support.stack import Database

from astero_api.mail import outbox
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_shared.clock import utc_now
from astero_shared.db.session import transaction

ANA = "ana@example.com"


@pytest.fixture
def log() -> Iterator[CapturedLog]:
    with captured_log(level="DEBUG") as captured:
        yield captured


def environment_of(database: Database, **env: str) -> dict[str, str]:
    return environment(database_url=database.api, redis_url="redis://x", **env)


@pytest.fixture
async def office(database: Database, mail: MailSandbox, log: CapturedLog) -> AsyncIterator[Office]:
    async with running_office(database, environment_of(database, **mail.environment)) as found:
        yield found


async def test_a_letter_arrives_and_nothing_of_it_stays(office: Office, mail: MailSandbox) -> None:
    mail_id = await office.write(ANA, kind=MailKind.RESET_PASSWORD, details={"token": "t" * 43}, locale="fr")
    await office.work()
    (message,) = mail.messages(ANA)
    headers = dict(message["headers"])
    assert message["encrypted"]
    assert message["user"] == "astero"
    assert headers["From"] == "Astero <mail@astero.test>"
    assert headers["Message-ID"] == f"<{mail_id}@astero.test>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Subject"] == "Choisissez un nouveau mot de passe"
    assert link_of(message) == f"https://astero.test/account/reset#{'t' * 43}"
    assert f'href="https://astero.test/account/reset#{"t" * 43}"' in message["html"]
    assert office.waiting == 0


async def test_a_letter_of_a_transaction_that_fails_is_never_sent(office: Office, mail: MailSandbox) -> None:
    async def write_and_fail() -> None:
        async with transaction(office.engine) as session:
            await queue_mail(session, kind=MailKind.MFA_ENABLED, to=ANA, locale="en")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    await office.work()
    assert mail.messages() == []
    assert office.rows("SELECT * FROM procrastinate_jobs WHERE task_name = 'mail.send'") == []


async def test_the_database_holds_no_address_and_no_token(office: Office) -> None:
    await office.write(ANA, kind=MailKind.VERIFY_ADDRESS, details={"token": "sesame-open"})
    stored = office.rows("SELECT mails::text, encode(letter, 'escape') FROM mails") + office.rows(
        "SELECT args::text FROM procrastinate_jobs"
    )
    assert not [row for row in stored for text in row if "sesame" in text or "ana@" in text]


async def test_wrong_details_are_met_by_whoever_writes(office: Office) -> None:
    with pytest.raises(ValueError, match="needs"):
        await office.write(ANA, kind=MailKind.VERIFY_ADDRESS)


async def test_starttls_is_as_good(database: Database, mail: MailSandbox) -> None:
    async with running_office(
        database, environment_of(database, **mail.environment | {"SMTP_URL": mail.starttls_url})
    ) as office:
        await office.write(ANA)
        await office.work()
    assert mail.messages(ANA)[0]["encrypted"]


@pytest.mark.parametrize("code", [421, 451])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
async def test_what_may_pass_is_tried_again(office: Office, mail: MailSandbox, step: str, code: int) -> None:
    mail.fault(kind="refuse", step=step, code=code, times=1)
    mail_id = await office.write(ANA)
    await office.work()
    assert mail.messages() == []
    assert office.waiting == 1
    (waits,) = office.rows("SELECT scheduled_at > now() FROM procrastinate_jobs WHERE status = 'todo'")[0]
    assert waits
    office.make_due()
    await office.work()
    (message,) = mail.messages(ANA)
    assert dict(message["headers"])["Message-ID"] == f"<{mail_id}@astero.test>"


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
async def test_what_is_refused_for_good_is_given_up(
    office: Office, mail: MailSandbox, log: CapturedLog, step: str
) -> None:
    mail.fault(kind="refuse", step=step, code=550)
    await office.write(ANA)
    await office.work()
    assert office.waiting == 0
    assert (
        office.rows("SELECT * FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'mail.send'")
        == []
    )
    given_up = [line["msg"] for line in log.lines if line["msg"].startswith("mail given up")]
    assert [" 550" in said for said in given_up] == [True], given_up
    assert "ana@" not in log.text


@pytest.mark.parametrize(
    ("keep", "times", "arrived"), [(True, 1, 2), (False, 1, 1), (True, 9, 2), (False, 9, 0)]
)
async def test_a_lost_answer_to_the_text_is_tried_once_more_and_no_oftener(
    office: Office, mail: MailSandbox, log: CapturedLog, keep: bool, times: int, arrived: int
) -> None:
    """The server may have it or not: a second copy of one Message-ID is better than none, a third is not."""
    mail.fault(kind="cut", step="data", keep=keep, times=times)
    await office.write(ANA)
    for _ in range(4):
        await office.work()
        office.make_due()
    messages = mail.messages()
    assert len(messages) == arrived
    assert len({dict(message["headers"])["Message-ID"] for message in messages}) == min(arrived, 1)
    assert office.waiting == 0
    assert ("mail given up: the server's answer was lost twice" in log.text) is (times > 1)


async def test_a_server_that_is_away_is_waited_for(
    database: Database, mail: MailSandbox, log: CapturedLog
) -> None:
    nowhere = mail.environment | {"SMTP_URL": "smtps://a:b@127.0.0.1:1"}
    async with running_office(database, environment_of(database, **nowhere)) as office:
        await office.write(ANA)
        await office.work()
        assert office.waiting == 1


async def test_a_certificate_nobody_vouches_for_gets_no_password(
    database: Database, mail: MailSandbox, log: CapturedLog
) -> None:
    strangers = {name: value for name, value in mail.environment.items() if name != "SMTP_CA_FILE"}
    async with running_office(database, environment_of(database, **strangers)) as office:
        await office.write(ANA)
        await office.work()
        assert office.waiting == 1
    assert mail.messages() == []
    assert "SSLCertVerificationError" in log.text


async def test_without_a_server_it_is_said_once_and_nothing_piles_up(
    database: Database, log: CapturedLog
) -> None:
    async with running_office(database, environment_of(database)) as office:
        for _ in range(3):
            await office.write(ANA)
        await office.work()
        assert office.waiting == 0
    assert log.text.count("mail is not configured") == 1
    assert "given up" not in log.text


async def test_what_a_killed_worker_left_is_sent_when_nobody_has_it_in_hand(
    office: Office, mail: MailSandbox
) -> None:
    for to, seconds, times in (("begun", None, 0), ("in-hand", 80, 1), ("cut", 91, 1), ("twice", 91, 2)):
        mail_id = await office.write(f"{to}@example.com")
        office.change(
            "UPDATE mails SET hand_overs = %s, handed_over_at = now() - make_interval(secs => %s)"
            " WHERE id = %s",
            times,
            seconds,
            mail_id,
        )
    office.change("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'mail.send'")
    office.change(
        "INSERT INTO procrastinate_jobs (task_name, args, queue_name)"
        " VALUES ('mail.revive', '{\"timestamp\": 0}', 'default')"
    )
    await office.work()
    assert sorted(message["to"] for message in mail.messages()) == [
        ["begun@example.com"],
        ["cut@example.com"],
    ]
    assert office.waiting == 1


async def test_what_nobody_could_send_is_told_to_the_operator(office: Office, log: CapturedLog) -> None:
    await office.write(ANA)
    office.change("DELETE FROM procrastinate_jobs")
    office.change("UPDATE mails SET queued_at = now() - interval '3 days 1 second'")
    office.change(
        "INSERT INTO procrastinate_jobs (task_name, args, queue_name)"
        " VALUES ('mail.forget_old', '{\"timestamp\": 0}', 'default')"
    )
    await office.work()
    assert office.waiting == 0
    assert "1 letters were never sent" in log.text


async def test_two_workers_with_one_letter_send_it_once(office: Office, mail: MailSandbox) -> None:
    mail.fault(kind="slow", step="rcpt", seconds=0.5, times=2)
    await office.send_twice_at_once(await office.write(ANA))
    assert len(mail.messages(ANA)) == 1
    assert office.waiting == 0


async def test_a_link_that_would_be_dead_is_not_sent(office: Office, mail: MailSandbox) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "utc_now", lambda: utc_now() - timedelta(minutes=30))
        await office.write(ANA, kind=MailKind.RESET_PASSWORD, details={"token": "x"})
        patch.setattr(outbox, "utc_now", lambda: utc_now() - timedelta(minutes=29, seconds=30))
        await office.write(ANA, kind=MailKind.RESET_PASSWORD, details={"token": "y"})
    await office.work()
    assert [link_of(message)[-2:] for message in mail.messages(ANA)] == ["#y"]
    assert office.waiting == 0
