// Says what is wrong with a campaign file while it is typed. Without it the file is checked when it is written.

const QUIET_MS = 500; // after the last key

const form = document.getElementById("draft");
const findings = document.getElementById("findings");
const text = document.getElementById("draft-text");
let timer = 0;
let asked = 0;

function element(name, words, kind) {
  const found = document.createElement(name);
  found.textContent = words;
  if (kind) found.className = kind;
  return found;
}

async function check() {
  const number = ++asked;
  try {
    const answer = await fetch("/new/check", { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok || number !== asked) return;
    const found = await answer.json();
    text.textContent = found.text;
    if (found.problems.length === 0) {
      const good = element("p", "no fault found", "state good");
      good.prepend(document.createElement("i"));
      findings.replaceChildren(good);
      return;
    }
    const list = element("ul", "", "plainlist");
    list.append(...found.problems.map((each) => element("li", each)));
    findings.replaceChildren(list);
  } catch {
    // the page itself says that the server is gone
  }
}

form?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(check, QUIET_MS);
});
