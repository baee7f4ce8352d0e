import { ask, guarded, knowsPasskeys, usePasskey } from "./asking.js";

const find = (id) => document.getElementById(id);
const { next, secondStep } = document.querySelector("main").dataset;
const form = find("sign-in");
const passkey = find("sign-in-passkey");

const goOn = () => location.replace(next);

form.addEventListener(
  "submit",
  guarded(find("problem"), form.querySelector("button"), async () => {
    const answer = await ask("POST", "/api/auth/login", Object.fromEntries(new FormData(form)));
    if (answer.mfaRequired) {
      location.assign(`${secondStep}?next=${encodeURIComponent(next)}`);
      return;
    }
    goOn();
  }),
);

passkey.addEventListener(
  "click",
  guarded(find("problem"), passkey, async () => {
    const credential = await usePasskey("/api/auth/passkeys/sign-in/options");
    await ask("POST", "/api/auth/passkeys/sign-in", { credential });
    goOn();
  }),
);
form.hidden = false;
passkey.hidden = !knowsPasskeys;
