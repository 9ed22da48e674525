// Asking this server. Where it wants a token, the page asks for it in words and this tab keeps it.

const KEY = "token";
let asking = null;

export class Trouble extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const stored = () => {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
};
let token = stored();

function keep(value) {
  token = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Then it lasts until the page is loaded again.
  }
}

// Credentials are omitted so that the browser does not ask in a window of its own.
async function request(path, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return fetch(path, { credentials: "omit", cache: "no-store", ...options, headers });
}

function ask(wasWrong) {
  asking ??= new Promise((done) => {
    const dialog = document.getElementById("ask");
    const field = document.getElementById("ask-token");
    document.getElementById("ask-trouble").textContent = wasWrong ? "That was not the token." : "";
    field.value = "";
    const form = document.getElementById("ask-form");
    const taken = (event) => {
      event.preventDefault();
      form.removeEventListener("submit", taken);
      keep(field.value.trim());
      dialog.close();
      asking = null;
      done();
    };
    form.addEventListener("submit", taken);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
  });
  return asking;
}

// Returns the response; asks for the token as often as it takes.
export async function open(path, options = {}) {
  for (;;) {
    const shown = token;
    let response;
    try {
      response = await request(path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble(0, "The server can't be reached now.");
    }
    if (response.status !== 401) return response;
    if (shown === token) await ask(shown !== "");
  }
}

export async function get(path, options = {}) {
  const response = await open(path, options);
  if (response.ok) return response.json();
  let text = "";
  try {
    text = (await response.json()).detail;
  } catch {
    // The reply says nothing in words.
  }
  if (response.status === 503) text = "The store can't be reached now.";
  throw new Trouble(response.status, typeof text === "string" && text ? text : `The server answered ${response.status}.`);
}
