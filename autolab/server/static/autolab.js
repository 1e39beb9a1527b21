// Keeps a page fresh: hears what happens, reads the page again, and puts what is live in its place. Where the server is
// gone it says so at once. Everything on the page works without it.

const SILENT_MS = 12000; // the server says something every 5 s
const LEAST_MS = 150; // between two readings of the page

const root = document.documentElement;
const lost = document.getElementById("lost");
const link = document.getElementById("link");
const listeners = new Set();
const unsure = document.getElementById("unsure");
const sent = new WeakSet();
const TYPED = "typed";
let isUnsure = false;
let heardAt = Date.now();
let isReading = false;
let isWanted = false;
let lastRead = 0;
let stream = null;
let seen = Number(document.body.dataset.seq || 0);

/** Call `listener(what, data)` for whatever happens in the lab. */
export function hear(listener) {
  listeners.add(listener);
}

function setLost(isLost) {
  link.textContent = isLost ? "· not connected" : "· live";
  if (isLost === !lost.hidden) return;
  lost.hidden = !isLost;
  root.classList.toggle("gone", isLost);
  if (isLost) {
    const since = document.getElementById("lost-since");
    since.textContent = new Date(heardAt).toLocaleTimeString();
    since.dateTime = new Date(heardAt).toISOString();
  }
}

function heard() {
  if (isUnsure) {
    location.reload(); // what became of the form is on the page
    return;
  }
  heardAt = Date.now();
  setLost(false);
}

/** Whether somebody is typing or choosing inside an element, or has typed something there. */
function isInUse(element) {
  if (element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, summary"))
    return true;
  return [...element.querySelectorAll("input:not([type=hidden]), textarea")].some((field) =>
    field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue
  );
}

/** What an element says, less what differs from one reading to the next without meaning anything. */
function meaning(element) {
  return element.innerHTML.replace(/name="once" value="[0-9a-f]+"/g, "");
}

async function read() {
  if (isReading) {
    isWanted = true;
    return;
  }
  isReading = true;
  try {
    const wait = lastRead + LEAST_MS - Date.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    lastRead = Date.now();
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") {
      location.reload(); // the session is over: the way in says so
      return;
    }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && !isInUse(part) && meaning(fresh) !== meaning(part)) part.replaceChildren(...fresh.childNodes);
    }
    document.title = page.title;
    document.dispatchEvent(new CustomEvent("fresh", { detail: page }));
    heard();
  } catch {
    // the stream says that the server is gone
  } finally {
    isReading = false;
    if (isWanted) {
      isWanted = false;
      read();
    }
  }
}

/** The fields of a form that somebody types or chooses in, without passwords and files. */
function ownFields(form) {
  return [...form.querySelectorAll("input:not([type=hidden], [type=password], [type=file]), textarea, select")];
}

function isTick(field) {
  return field.matches("[type=checkbox], [type=radio]");
}

/** What somebody has typed and chosen in a form, kept until the next page has come. */
function keep(form) {
  const fields = ownFields(form).map((field) => [field.name, field.value, field.checked]);
  sessionStorage.setItem(TYPED, JSON.stringify({ action: form.getAttribute("action"), fields }));
}

/** Put back what had been typed into a form that was refused. */
function putBack() {
  const kept = JSON.parse(sessionStorage.getItem(TYPED) || "null");
  sessionStorage.removeItem(TYPED);
  if (!kept || !document.querySelector(".said.problem[role=status]")) return;
  for (const form of document.forms) {
    const fields = ownFields(form);
    const isIt = form.getAttribute("action") === kept.action && fields.length === kept.fields.length;
    if (!isIt || fields.some((field, number) => field.name !== kept.fields[number][0])) continue;
    for (const [number, field] of fields.entries())
      if (isTick(field)) field.checked = kept.fields[number][1] === field.value && kept.fields[number][2];
      else field.value = kept.fields[number][1];
  }
}

/** Send a form, and go where the answer says. */
async function send(form, button) {
  sent.add(form);
  keep(form);
  const fields = new FormData(form, button);
  const body = form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields);
  let answer;
  try {
    answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "X-Live": "1" } });
  } catch {
    isUnsure = true;
    unsure.hidden = false;
    setLost(true);
    return;
  }
  if (answer.headers.get("content-type") === "application/json") location.assign((await answer.json()).to);
  else if (form.isConnected) form.submit(); // refused before the form was read: the browser shows why
  else location.reload(); // the page has been read again meanwhile
}

function listen() {
  stream = new EventSource(`/api/v1/events?after=${seen}`);
  stream.onopen = heard;
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000); // refused: it does not come back by itself
    if (Date.now() - heardAt > 1500) setLost(true);
  };
  stream.addEventListener("beat", () => {
    heard();
    if (document.querySelector("[data-beat]")) read(); // something is under way of which the log says nothing
  });
  stream.addEventListener("reload", () => read());
  const kinds = [
    "campaign", "trial", "action", "request", "question", "approval", "alarm", "trip", "bypass", "intervention",
    "recovery", "correction", "sample",
  ];
  for (const kind of kinds)
    stream.addEventListener(kind, (event) => {
      heard();
      seen = Number(event.lastEventId);
      read();
      const data = JSON.parse(event.data);
      for (const listener of listeners) listener(kind, data);
    });
}

setInterval(() => {
  if (Date.now() - heardAt > SILENT_MS) setLost(true);
}, 1000);
setInterval(() => {
  if (document.visibilityState === "visible") read(); // ages grow while nothing happens
}, 15000);
addEventListener("pagehide", () => stream && stream.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
// What is too large to be taken is said before it is sent.
addEventListener("change", (event) => {
  const { dataset, files } = event.target;
  if (!dataset.largest) return;
  const isTooLarge = files.length && files[0].size > Number(dataset.largest);
  event.target.setCustomValidity(isTooLarge ? `${files[0].name} is too large: bring the report, not the raw data` : "");
});
// A form is sent once, however often somebody clicks; what the server hears twice it does once anyway. Where the server
// dies meanwhile, the page stays, says so, and comes back with it.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.closest(".controls")) return;
  const button = event.submitter;
  if (form.querySelector("[name=once]")) {
    event.preventDefault();
    if (!sent.has(form)) send(form, button);
  }
  if (button) setTimeout(() => (button.disabled = true), 0);
});
putBack();
listen();
