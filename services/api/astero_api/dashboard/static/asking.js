// The api and the browser's passkeys, asked the same way by every page.

export class Refusal extends Error {
  constructor(answer, problem) {
    super(problem.errors?.[0]?.detail ?? problem.detail);
    this.status = answer.status;
    this.code = problem.code;
    this.wait = Number(answer.headers.get("retry-after"));
  }
}

const send = (method, path, body) =>
  fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const read = async (answer) => {
  const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (!answer.ok) {
    throw new Refusal(answer, said ?? { detail: answer.statusText });
  }
  return said;
};

// The access cookie lasts ten minutes, the session weeks. What is asked at once shares one refresh; of two
// tabs the one that comes second is told so, and has the other's cookies.
let refreshing = null;
const refresh = () => {
  refreshing ??= send("POST", "/api/auth/refresh")
    .then((answer) => answer.ok || answer.status === 409)
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
};

export const ask = async (method, path, body) => {
  try {
    return await read(await send(method, path, body));
  } catch (error) {
    if (error.code !== "auth.unauthenticated" || !(await refresh())) {
      throw error;
    }
  }
  return read(await send(method, path, body));
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
    return error.status === 429 && error.wait ? `${words.wait} ${inTime(error.wait)}.` : error.message;
  }
  // what navigator.credentials rejects with: see Web Authentication, 5.1.3 and 5.1.4
  const passkey = { NotAllowedError: words.passkey, InvalidStateError: words.known };
  return passkey[error.name] ?? words.failed;
};

// Runs `work` with the button switched off; what goes wrong is said in `problem`.
export const guarded = (problem, button, work) => async (event) => {
  event.preventDefault();
  problem.textContent = "";
  button.disabled = true;
  try {
    await work(event);
  } catch (error) {
    if (!(error instanceof Cancelled)) {
      problem.textContent = inWords(error, problem.dataset);
      problem.scrollIntoView({ block: "nearest" });
    }
  } finally {
    button.disabled = false;
  }
};
