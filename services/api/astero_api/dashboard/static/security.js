import { ask, guarded, makePasskey, usePasskey } from "/static/asking.js";

const find = (id) => document.getElementById(id);
const problem = find("problem");
const main = document.querySelector("main");
const dates = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
let enabled = false;

const onClick = (id, work) => find(id).addEventListener("click", guarded(problem, find(id), work));
const onSubmit = (id, work) =>
  find(id).addEventListener("submit", guarded(problem, find(id).querySelector("[type=submit]"), work));

// -- a proof that it is still the same person, where the api asks for one ------------------------

let proven;
const prove = () => {
  find("proof").hidden = false;
  find("proof-password").hidden = enabled;
  find("proof-code").hidden = !enabled;
  find("proof").scrollIntoView();
  return new Promise((resolve) => {
    proven = resolve;
  });
};

const insist = async (work) => {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "auth.reauthentication_required") {
      throw error;
    }
  }
  await prove();
  return work();
};

const send = async (proof) => {
  await ask("POST", "/api/auth/reauthenticate", proof);
  find("proof").hidden = true;
  find("proof-form").reset();
  proven?.();
};

onSubmit("proof-form", () => {
  const form = new FormData(find("proof-form"));
  return send(enabled ? { code: form.get("code").trim() } : { password: form.get("password") });
});
onClick("proof-passkey", async () => send({ passkey: await usePasskey("/api/auth/reauthenticate/options") }));

// -- two-step verification -----------------------------------------------------------------------

// The picture is drawn from its path: a page that trusts no markup from anywhere has no other way.
const drawQr = (svg) => {
  const space = "http://www.w3.org/2000/svg";
  const size = /width="(\d+)"/.exec(svg)[1];
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", / d="([^"]+)"/.exec(svg)[1]);
  path.setAttribute("transform", /transform="([^"]+)"/.exec(svg)[1]);
  path.setAttribute("stroke", "#000");
  picture.append(path);
  find("qr").replaceChildren(picture);
};

const showCodes = (codes) => {
  find("codes").replaceChildren(
    ...codes.map((code) => {
      const item = document.createElement("li");
      item.textContent = code;
      return item;
    }),
  );
  find("codes-box").hidden = false;
};

onClick("enable", async () => {
  const begun = await insist(() => ask("POST", "/api/auth/mfa/enroll"));
  drawQr(begun.otpauthQr);
  find("secret").textContent = begun.secret.match(/.{4}/g).join(" ");
  find("enrolment").hidden = false;
  find("enable").hidden = true;
});
onSubmit("enrolment", async () => {
  const code = new FormData(find("enrolment")).get("code").trim();
  const { recoveryCodes } = await insist(() => ask("POST", "/api/auth/mfa/confirm", { code }));
  find("enrolment").hidden = true;
  find("enrolment").reset();
  find("qr").replaceChildren();
  find("secret").textContent = "";
  await show();
  showCodes(recoveryCodes);
});
onClick("disable", async () => {
  await insist(() => ask("POST", "/api/auth/mfa/disable"));
  find("codes-box").hidden = true;
  await show();
});
onClick("renew", async () => {
  const { recoveryCodes } = await insist(() => ask("POST", "/api/auth/mfa/recovery-codes"));
  await show();
  showCodes(recoveryCodes);
});

const showTwoStep = async () => {
  const mfa = await ask("GET", "/api/auth/mfa");
  enabled = mfa.enabled;
  const words = find("two-step-state").dataset;
  find("two-step-state").textContent = enabled ? words.on : words.off;
  find("codes-left").textContent = enabled ? `${words.left} ${mfa.recoveryCodesLeft}` : "";
  find("enable").hidden = enabled;
  find("disable").hidden = find("renew").hidden = !enabled;
};

// -- passkeys and sessions -----------------------------------------------------------------------

const row = (template, title, detail, button, work) => {
  const item = find(template).content.cloneNode(true).firstElementChild;
  item.querySelector("b").textContent = title;
  item.querySelector("small").textContent = detail;
  const end = item.querySelector("button");
  end.hidden = !button;
  end.addEventListener("click", guarded(problem, end, work));
  return item;
};

const showPasskeys = async () => {
  const { items } = await ask("GET", "/api/auth/passkeys");
  const words = find("passkey-list").dataset;
  find("passkey-list").replaceChildren(
    ...items.map((one) => {
      const used = one.lastUsedAt ? `${words.used} ${dates.format(new Date(one.lastUsedAt))}` : words.never;
      return row("passkey-row", one.name, used, true, async () => {
        await insist(() => ask("DELETE", `/api/auth/passkeys/${one.id}`));
        await showPasskeys();
      });
    }),
  );
  find("proof-passkey").hidden = items.length === 0;
};

onSubmit("passkey-form", async () => {
  const name = new FormData(find("passkey-form")).get("name").trim();
  const credential = await insist(makePasskey);
  await insist(() => ask("POST", "/api/auth/passkeys", { name, credential }));
  find("passkey-form").reset();
  await showPasskeys();
});

const showSessions = async () => {
  const { items } = await ask("GET", "/api/auth/sessions");
  const words = find("session-list").dataset;
  find("session-list").replaceChildren(
    ...items.map((one) => {
      const seen = `${one.ip ?? ""} · ${dates.format(new Date(one.lastSeenAt))}`;
      const title = `${one.userAgent ?? "?"}${one.current ? ` (${words.current})` : ""}`;
      return row("session-row", title, seen, !one.current, async () => {
        await ask("DELETE", `/api/auth/sessions/${one.id}`);
        await showSessions();
      });
    }),
  );
};
onClick("end-all", async () => {
  await ask("POST", "/api/auth/logout-all");
  await show();
});

// -- signed in or not ----------------------------------------------------------------------------

const show = async () => {
  try {
    await showTwoStep();
  } catch (error) {
    if (error.status !== 401) {
      throw error;
    }
    find("sign-in").hidden = false;
    find("account").hidden = true;
    return;
  }
  find("sign-in").hidden = true;
  find("account").hidden = false;
  await Promise.all([showPasskeys(), showSessions()]);
};

onSubmit("sign-in", async () => {
  const { email, password } = Object.fromEntries(new FormData(find("sign-in")));
  const answer = await ask("POST", "/api/auth/login", { email, password });
  if (answer.mfaRequired) {
    location.assign(`${main.dataset.secondStep}?next=${encodeURIComponent(location.pathname)}`);
    return;
  }
  find("sign-in").reset();
  await show();
});
onClick("sign-in-passkey", async () => {
  const credential = await usePasskey("/api/auth/passkeys/sign-in/options");
  await ask("POST", "/api/auth/passkeys/sign-in", { credential });
  await show();
});

show().catch((error) => {
  problem.textContent = error.message || problem.dataset.failed;
});
