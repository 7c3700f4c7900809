// "Is it true?": a claim, a derivation or a loss, typed from nothing.
import { button, make } from "./elements.js";
import { keepClaim, keptClaim } from "./kept.js";
import { Python, python, typeset } from "./python.js";

const PALETTE = ["s[j]", "softmax(s)[j]", "LSE(s)", "log_loss(s, y)", "KL(q, p)", "CE(q, p)", "entropy(q)",
  "margin_loss(s, y)", "maximum(s)", "delta(j, y)", "Sum(, (i, 1, K))", "Derivative(, s[j])", "exp()",
  "log()", "<=", ">=", "**"];
const EXAMPLES = {
  "the gradient of the log loss":
    "Derivative(log_loss(s, y), s[j])  # how fast does it grow?\n= Derivative(LSE(s) - s[y], s[j])  # definition\n= softmax(s)[j] - delta(j, y)",
  "its curvature, with a sign wrong":
    "Derivative(softmax(s)[j], s[k])\n= softmax(s)[j]*(softmax(s)[k] - delta(j, k))",
  "Gibbs' inequality": "KL(q, p) >= 0",
  "bounds of log-sum-exp": "maximum(s) < LSE(s) <= maximum(s) + log(K)",
  "entropy is at most log K": "entropy(q) <= log(K)",
  "a published slip: the sum inside the logarithm":
    "log_loss(s, y)\n= log(Sum(exp(s[i]), (i, 1, K)) - s[y])",
  "smoothing moves the gradient by a constant":
    "Derivative(CE(smooth(y, epsilon), softmax(s)), s[j])\n= softmax(s)[j] - smooth(y, epsilon)[j]",
};
const LOSSES = {
  "a portrait: focal loss": "-(1 - softmax(s)[y])**gamma*log(softmax(s)[y])",
  "a portrait: generalised cross-entropy": "(1 - softmax(s)[y]**a)/a  # 0 < a < 1",
};

// The claim that the address carries.
const linked = () => new URLSearchParams(location.hash.slice(1)).get("claim");

export const open = place => {
  const text = make("textarea", { rows: 5, spellcheck: false, autocapitalize: "off", autocorrect: "off", id: "claim",
    placeholder: "softmax(s)[j] <= 1" });
  const status = make("p", { role: "status", className: "trial-note" });
  const preview = make("div", { className: "trial preview", "aria-live": "polite" });
  const answer = make("div", { className: "trial cell_output", role: "region", "aria-label": "Verdict",
    "aria-live": "polite" });
  let awake = false;
  let drawn = 0; // how many portraits were begun or broken off
  python.listen(said => { status.textContent = said; }, () => { awake = false; });

  // Only what is said of the text that still stands there is shown.
  const show = async (element, question) => {
    const asked = text.value;
    try {
      const html = await typeset(await python.ask(question, asked));
      awake = true;
      status.textContent = "";
      if (text.value !== asked) return;
      preview.replaceChildren(); // the verdict shows the formula, too
      element.innerHTML = html;
    } catch (error) {
      status.textContent = error.message;
    }
  };
  let pause;
  const typed = () => {
    keepClaim(text.value);
    if (linked() && linked() !== text.value) history.replaceState(null, "", location.pathname + location.search);
    drawn++;
    answer.replaceChildren();
    clearTimeout(pause);
    if (awake && text.value.trim()) pause = setTimeout(() => show(preview, "understood"), 300);
    else preview.replaceChildren();
  };
  const judge = () => {
    drawn++;
    clearTimeout(pause);
    answer.replaceChildren();
    status.textContent = "Judging …";
    show(answer, "judged");
  };
  // Rows come one by one. After 20 seconds, or where Python was stopped, one may go on with the next.
  const draw = async (number = 0, rows = 1) => {
    const turn = ++drawn, asked = text.value;
    let until = Infinity;
    clearTimeout(pause);
    if (!number) answer.replaceChildren();
    if (answer.querySelector(".go-on :focus")) text.focus({ preventScroll: true }); // the button goes
    answer.querySelector(".go-on")?.remove();
    try {
      while (number < rows && performance.now() < until) {
        status.textContent = number ? `Row ${number + 1} of ${rows} …` : "Drawing the portrait …";
        const row = await python.ask("portrayed", asked, number);
        const html = await typeset(row.html);
        awake = true;
        if (turn !== drawn) return;
        preview.replaceChildren();
        const table = make("template", { innerHTML: html }).content;
        const body = answer.querySelector("tbody");
        body ? body.append(...table.querySelectorAll("tr")) : answer.replaceChildren(table);
        rows = row.rows;
        number++;
        if (until === Infinity) until = performance.now() + 1000 * Python.patience;
      }
      status.textContent = number < rows ? `${rows - number} rows are left after ${Python.patience} seconds.` : "";
    } catch (error) {
      status.textContent = error.message;
      if (turn !== drawn) return;
      number++; // what was asked for may never have an answer
    }
    if (number < rows) answer.append(make("p", { className: "trial-buttons go-on" }, button("Go on", () => draw(number, rows))));
  };
  const insert = piece => {
    text.focus();
    const at = text.selectionStart;
    text.setRangeText(piece, at, text.selectionEnd, "end");
    const inside = piece.search(/\((?=[,)])/); // where something is to be filled in
    if (inside >= 0) text.selectionStart = text.selectionEnd = at + inside + 1;
    typed();
  };

  const examples = make("select", { "aria-label": "Examples" }, make("option", { textContent: "Examples …", value: "" }),
    ...Object.keys({ ...EXAMPLES, ...LOSSES }).map(name => make("option", { textContent: name, value: name })));
  examples.onchange = () => {
    if (!examples.value) return;
    const loss = LOSSES[examples.value];
    text.value = loss ?? EXAMPLES[examples.value];
    examples.value = "";
    typed();
    loss ? draw() : judge();
  };
  const share = async () => {
    if (!text.value.trim()) return void (status.textContent = "There is nothing to send yet.");
    location.hash = `claim=${encodeURIComponent(text.value)}`;
    try {
      await navigator.clipboard.writeText(location.href);
      status.textContent = "The link is copied: it carries what you typed.";
    } catch {
      status.textContent = "The address of this page now carries what you typed.";
    }
  };
  text.oninput = typed;
  text.onkeydown = event => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      judge();
    }
  };
  const form = make("form", { className: "claim" }, make("label", { htmlFor: "claim", textContent: "A claim, a derivation, or a loss" }),
    text, make("p", { className: "palette", role: "group", "aria-label": "Symbols" }, ...PALETTE.map(piece => button(piece, () => insert(piece)))),
    make("p", { className: "trial-buttons" }, make("button", { className: "main", textContent: "Is it true?" }),
      button("Portrait of this loss", () => draw()), examples,
      button("Stop", () => python.stop()), button("Link to this", share)));
  form.onsubmit = event => {
    event.preventDefault();
    judge();
  };
  place.replaceChildren(form, status, preview, answer);

  const receive = sent => {
    if (!sent || sent === text.value) return;
    text.value = sent;
    typed();
  };
  receive(linked() ?? keptClaim());
  addEventListener("hashchange", () => receive(linked()));
};
