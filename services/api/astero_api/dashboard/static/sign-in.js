import { ask, guarded, knowsPasskeys, reveal, usePasskey } from "./asking.js";
import { takeFragment } from "./fragment.js";

const find = (id) => document.getElementById(id);
const { next, secondStep } = document.querySelector("main").dataset;
const form = find("sign-in");
const passkey = find("sign-in-passkey");

// of the page that sent the person here
const fragment = takeFragment();
const goOn = () => location.replace(next + fragment);

form.addEventListener(
  "submit",
  guarded(find("problem"), form.querySelector("button"), async () => {
    const answer = await ask("POST", "/api/auth/login", Object.fromEntries(new FormData(form)));
    if (answer.mfaRequired) {
      location.assign(`${secondStep}?next=${encodeURIComponent(next)}${fragment}`);
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
reveal(form);
if (!navigator.cookieEnabled) {
  find("problem").textContent = form.dataset.noCookies;
}
passkey.hidden = !knowsPasskeys;
