import { asCode, ask, guarded, knowsPasskeys, reveal, usePasskey } from "./asking.js";
import { takeFragment } from "./fragment.js";

const find = (id) => document.getElementById(id);
const form = find("step");
const problem = find("problem");
const input = find("code");
const next = document.querySelector("main").dataset.next;
const fragment = takeFragment();

const finish = async (proof) => {
  try {
    await ask("POST", "/api/auth/mfa/verify", proof);
  } catch (error) {
    if (error.code === "auth.unauthenticated") {
      form.hidden = true;
      find("again").hidden = false;
    }
    throw error;
  }
  location.replace(next + fragment);
};

let field = "code";
const again = find("again").querySelector("a");
again.addEventListener("click", (event) => {
  event.preventDefault();
  location.replace(again.href + fragment);
});

find("other").addEventListener("click", () => {
  field = field === "code" ? "recoveryCode" : "code";
  const words = find("other").dataset;
  find("other").textContent = field === "code" ? words.recovery : words.app;
  find("code-label").textContent = field === "code" ? words.code : words.recoveryCode;
  input.inputMode = field === "code" ? "numeric" : "text";
  input.value = "";
  input.focus();
});

const confirm = find("confirm");
form.addEventListener("submit", guarded(problem, confirm, () => finish({ [field]: asCode(input.value) })));
const passkey = find("passkey");
passkey.hidden = !knowsPasskeys;
passkey.addEventListener(
  "click",
  guarded(problem, passkey, async () => finish({ passkey: await usePasskey("/api/auth/mfa/passkey-options") })),
);
reveal(form);
input.focus();
