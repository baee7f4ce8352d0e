// The api and the browser's passkeys, asked the same way by every page.

// `problem` is null where something on the way answered, which knows no sentence of ours.
export class Refusal extends Error {
  constructor(answer, problem) {
    super(problem?.errors?.[0]?.detail ?? problem?.detail ?? "");
    this.status = answer.status;
    this.code = problem?.code;
    this.wait = Number(answer.headers.get("retry-after"));
  }
}

const send = (method, path, body, keepalive = false) =>
  fetch(path, {
    method,
    keepalive,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const read = async (answer) => {
  const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (!answer.ok) {
    throw new Refusal(answer, said);
  }
  return said;
};

// The access cookie lasts ten minutes, the session weeks. What is asked at once shares one refresh, and tabs
// take turns. Its answer outlives the page: who leaves a slow page would lose the only next cookies with it,
// and the old ones, shown once more, look like a thief's.
let refreshing = null;
const refresh = () => {
  const work = () => send("POST", "/api/auth/refresh", undefined, true);
  // old browsers have no locks, and others give none where they block cookies: a 409 tells who comes second
  const locks = navigator.cookieEnabled ? navigator.locks : undefined;
  refreshing ??= (locks?.request("refresh", work) ?? work()).finally(() => {
    refreshing = null;
  });
  return refreshing;
};

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const isSignedOut = (error) => error.code === "auth.unauthenticated";

// The refresh of a page that was left is under way, and brings this browser's cookies too. If it never does,
// its answer was lost: the session ends here, before the old cookies are taken for stolen ones.
const waitForCookies = async (again) => {
  for (const seconds of [0.5, 1, 2, 3]) {
    await pause(seconds);
    try {
      return await again();
    } catch (error) {
      if (!isSignedOut(error)) {
        throw error;
      }
    }
  }
  await send("POST", "/api/auth/logout");
  return again();
};

export const ask = async (method, path, body) => {
  const again = async () => read(await send(method, path, body));
  try {
    return await again();
  } catch (error) {
    const refreshed = isSignedOut(error) ? await refresh() : null;
    if (refreshed?.status === 409) {
      return waitForCookies(again);
    }
    if (!refreshed?.ok) {
      throw error;
    }
  }
  return again();
};

// A page that comes back as it was left may show what is no longer so, or whom it should not.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// `look` is for what may have changed in another tab, or by the link of a letter. What it could not do is
// tried again, and said no more.
export const whenSeenAgain = (problem, look) => {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      return;
    }
    if (problem.textContent === problem.dataset.failed) {
      problem.textContent = "";
    }
    look();
  });
};

// Apps and letters show codes in groups; some keyboards type wide digits.
export const asCode = (typed) => typed.normalize("NFKC").replace(/\s/g, "");

// The script is here, and what it shows takes the place of the words that it is not.
export const reveal = (element) => {
  document.getElementById("loading").hidden = true;
  element.hidden = false;
};

export const knowsPasskeys = "parseRequestOptionsFromJSON" in (window.PublicKeyCredential ?? {});

export const makePasskey = async () => {
  const { publicKey } = await ask("POST", "/api/auth/passkeys/options");
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  return (await navigator.credentials.create({ publicKey: options })).toJSON();
};

// `path` gives the options: each purpose has its own challenge.
export const usePasskey = async (path) => {
  const { publicKey } = await ask("POST", path);
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  return (await navigator.credentials.get({ publicKey: options })).toJSON();
};

// The person changed their mind: nothing is to be said.
export class Cancelled extends Error {}

const inTime = (seconds) => {
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang);
  const minutes = Math.ceil(seconds / 60);
  if (seconds < 90) {
    return relative.format(Math.ceil(seconds), "second");
  }
  return minutes < 90 ? relative.format(minutes, "minute") : relative.format(Math.ceil(minutes / 60), "hour");
};

// `words` are the sentences of the page for what the api has none for.
export const inWords = (error, words) => {
  if (error instanceof Refusal) {
    return error.status === 429 && error.wait ? `${words.wait} ${inTime(error.wait)}.` : error.message || words.failed;
  }
  // what navigator.credentials rejects with: see Web Authentication, 5.1.3 and 5.1.4
  const passkey = { NotAllowedError: words.passkey, InvalidStateError: words.known };
  return passkey[error.name] ?? words.failed;
};

const isBusy = (button) => button.getAttribute("aria-busy") === "true";
// by their attributes: not every browser knows them as properties
const setBusy = (button, busy) => {
  button.setAttribute("aria-busy", busy);
  button.setAttribute("aria-disabled", busy);
};

// Runs `work` once at a time, with the button busy and where the focus was; what goes wrong is said in
// `problem`. A page that shows somebody's account is left when they are signed in no more.
export const guarded = (problem, button, work) => async (event) => {
  event.preventDefault();
  if (isBusy(button)) {
    return;
  }
  problem.textContent = "";
  setBusy(button, true);
  try {
    await work(event);
  } catch (error) {
    const { signIn } = document.querySelector("main").dataset;
    if (signIn && error.code === "auth.unauthenticated") {
      location.replace(signIn);
    } else if (!(error instanceof Cancelled)) {
      problem.textContent = inWords(error, problem.dataset);
      problem.scrollIntoView({ block: "nearest" });
    }
  } finally {
    setBusy(button, false);
  }
};
