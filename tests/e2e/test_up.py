"""`just up` with everything real, as a newcomer has it."""

import json
from pathlib import Path

import httpx
import pytest
from support.up import gone, starter, until

from astero_sandbox.credentials import DEMO_EMAIL


@pytest.mark.timeout(400)
def test_a_newcomer_finds_a_running_bot_of_their_own_and_one_ctrl_c_ends_it_all(tmp_path: Path) -> None:
    with starter(tmp_path, real=True) as start:
        up = start().wait_up()
        everything = up.everything()
        password = json.loads((up.home / "secrets.json").read_bytes())["demoPassword"]
        assert password in up.said
        origin = str(up.addresses["api"])
        with httpx.Client(base_url=origin, headers={"Origin": origin}, trust_env=False) as dashboard:
            login = {"email": DEMO_EMAIL, "password": password}
            assert dashboard.post("/api/auth/login", json=login).status_code == 200
            # The cookies are Secure: browsers send them to loopback without TLS too, httpx does not.
            dashboard.headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in dashboard.cookies.jar)
            bots = dashboard.get("/api/bots").json()
            mine = [bot for bot in bots["items"] if bot["name"] == "Demo Bot"]
            until(lambda: dashboard.get(f"/api/bots/{mine[0]['id']}/status").json()["state"] == "online")
        assert up.interrupt() == 0
        until(lambda: gone(everything))
