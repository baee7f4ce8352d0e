import { asCode, ask, guarded, inWords, knowsPasskeys, makePasskey, reveal, whenSeenAgain } from "./asking.js";
import { listen, showDetails } from "./details.js";
import { insist, offer } from "./proof.js";

const find = (id) => document.getElementById(id);
const problem = find("problem");
const said = find("said");
const main = document.querySelector("main");
const dates = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

const say = (text) => {
  said.textContent = text;
  said.scrollIntoView({ block: "nearest" });
};
const quietly = (work) => (event) => {
  said.textContent = "";
  return work(event);
};
const onClick = (id, work) => find(id).addEventListener("click", guarded(problem, find(id), quietly(work)));
// `work` is given what was typed; the form is empty afterwards.
const onSubmit = (id, work) => {
  const form = find(id);
  const send = async () => {
    await work(new FormData(form));
    form.reset();
  };
  form.addEventListener("submit", guarded(problem, form.querySelector("[type=submit]"), quietly(send)));
};

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
  find("codes-title").focus();
};

onClick("enable", async () => {
  const begun = await insist(() => ask("POST", "/api/auth/mfa/enroll"));
  drawQr(begun.otpauthQr);
  find("secret").textContent = begun.secret.match(/.{4}/g).join(" ");
  find("enrolment").hidden = false;
  find("enable").hidden = true;
  find("first-code").focus();
});
onSubmit("enrolment", async (typed) => {
  const code = asCode(typed.get("code"));
  const { recoveryCodes } = await insist(() => ask("POST", "/api/auth/mfa/confirm", { code }));
  find("enrolment").hidden = true;
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

const showTwoStep = (mfa) => {
  const words = find("two-step-state").dataset;
  find("two-step-state").textContent = mfa.enabled ? words.on : words.off;
  find("codes-left").textContent = mfa.enabled ? `${find("codes-left").dataset.left} ${mfa.recoveryCodesLeft}` : "";
  find("enable").hidden = mfa.enabled || !find("enrolment").hidden;
  find("disable").hidden = find("renew").hidden = !mfa.enabled;
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

const showPasskeys = (items) => {
  const words = find("passkey-list").dataset;
  find("passkey-list").replaceChildren(
    ...items.map((one) => {
      const used = one.lastUsedAt ? `${words.used} ${dates.format(new Date(one.lastUsedAt))}` : words.never;
      return row("passkey-row", one.name, used, true, async () => {
        await insist(() => ask("DELETE", `/api/auth/passkeys/${one.id}`));
        await show();
      });
    }),
  );
};

find("passkey-form").hidden = !knowsPasskeys;
onSubmit("passkey-form", async (typed) => {
  const credential = await insist(makePasskey);
  await insist(() => ask("POST", "/api/auth/passkeys", { name: typed.get("name").trim(), credential }));
  await show();
});

const showSessions = (items) => {
  const words = find("session-list").dataset;
  find("session-list").replaceChildren(
    ...items.map((one) => {
      const seen = [one.network, dates.format(new Date(one.lastSeenAt))].filter(Boolean).join(" · ");
      const title = `${one.device ?? words.unknown}${one.current ? ` (${words.current})` : ""}`;
      return row("session-row", title, seen, !one.current, async () => {
        await ask("DELETE", `/api/auth/sessions/${one.id}`);
        await show();
      });
    }),
  );
};

// -- the whole -----------------------------------------------------------------------------------

const leave = () => location.replace(main.dataset.signIn);
for (const [id, path] of [
  ["end-all", "/api/auth/logout-all"],
  ["sign-out", "/api/auth/logout"],
]) {
  onClick(id, async () => {
    await ask("POST", path);
    leave();
  });
}

const show = async () => {
  const paths = ["/api/auth/me", "/api/auth/mfa", "/api/auth/passkeys", "/api/auth/sessions"];
  const [me, mfa, passkeys, sessions] = await Promise.all(paths.map((path) => ask("GET", path)));
  // another tab has signed somebody else in: codes and secrets that stand here are not theirs
  if ((main.dataset.user ??= me.id) !== me.id) {
    location.reload();
    return;
  }
  offer({ ...mfa, hasPasskeys: passkeys.items.length > 0 });
  showDetails(me, mfa);
  showTwoStep(mfa);
  showPasskeys(passkeys.items);
  showSessions(sessions.items);
  reveal(find("account"));
};

listen({ onClick, onSubmit, say, show });
const look = () =>
  show().catch((error) => {
    if (error.status === 401) {
      leave();
    } else {
      reveal(problem);
      problem.textContent = inWords(error, problem.dataset);
    }
  });
whenSeenAgain(problem, look);
look();
