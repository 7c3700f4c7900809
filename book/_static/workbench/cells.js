// "Try it": the cells of a chapter can be changed and run.
import { button, make } from "./elements.js";
import { python, typeset } from "./python.js";

const KEYWORDS = "and as assert break class continue def del elif else except False finally for from "
  + "global if import in is lambda None not or pass raise return True try while with yield";
const TOKENS = RegExp(
  String.raw`(?<c1>#.*)|(?<s1>[rbf]*("""[^]*?"""|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'))|`
  + String.raw`(?<k>\b(?:${KEYWORDS.replaceAll(" ", "|")})\b)`, "g");

// Code in the colours of the book.
const coloured = code => {
  const parts = [];
  let end = 0;
  for (const found of code.matchAll(TOKENS)) {
    const [kind] = Object.entries(found.groups).find(([, text]) => text !== undefined);
    parts.push(code.slice(end, found.index), make("span", { className: kind, textContent: found[0] }));
    end = found.index + found[0].length;
  }
  return [...parts, code.slice(end)];
};

const bar = make("div", { className: "workbench", role: "region", "aria-label": "Workbench" });
const status = make("p", { role: "status" });
const say = text => { status.textContent = text; };

// What a cell showed, as the book shows it.
const SHOW = {
  text: async text => make("div", { className: "output stream highlight-myst-ansi notranslate" },
    make("div", { className: "highlight" }, make("pre", { textContent: text }))),
  html: async html => make("div", { className: "output text_html", innerHTML: await typeset(html) }),
  latex: async latex => make("div", { className: "output math notranslate", innerHTML: await typeset(latex) }),
  error: async html =>
    make("div", { className: "output trial", role: "alert", innerHTML: await typeset(html) }),
};

class Cell {
  constructor(element, number) {
    this.number = number;
    this.code = element.querySelector(".cell_input pre");
    this.output = element.querySelector(":scope > .cell_output")
      ?? element.appendChild(make("div", { className: "cell_output docutils container" }));
    this.printed = [...this.output.childNodes];
    this.tokens = this.code.innerHTML; // the elements themselves are written into
    this.source = this.text;
    this.ran = false;

    this.code.contentEditable = "plaintext-only";
    if (this.code.contentEditable !== "plaintext-only") this.code.contentEditable = "true";
    this.code.spellcheck = false;
    for (const [name, value] of Object.entries({ role: "textbox", "aria-multiline": "true",
      autocapitalize: "off", autocorrect: "off", "aria-label": `Code of cell ${number + 1}. Shift and Enter run it.` }))
      this.code.setAttribute(name, value);
    this.code.addEventListener("keydown", event => {
      if (event.key !== "Enter" || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      runTo(this);
    });
    this.code.addEventListener("input", () => {
      this.reset.hidden = this.text === this.source;
      forget(number);
    });
    this.code.addEventListener("blur", () => {
      const text = this.text;
      if (text === this.source) this.code.innerHTML = this.tokens;
      else this.code.replaceChildren(...coloured(text));
    });
    const run = button("Run", () => runTo(this));
    this.reset = button("Reset", () => {
      this.restore();
      run.focus({ preventScroll: true }); // this one goes
    });
    this.reset.hidden = true;
    const buttons = [run, this.reset];
    for (const each of buttons) each.setAttribute("aria-label", `${each.textContent} cell ${number + 1}`);
    this.code.closest(".cell_input").append(make("p", { className: "trial-buttons" }, ...buttons));
  }

  get text() { // innerText is empty where the code is folded
    const code = this.code.cloneNode(true);
    for (const end of code.querySelectorAll("br")) end.replaceWith("\n");
    return code.textContent.replace(/\n+$/, "");
  }

  restore() {
    this.code.innerHTML = this.tokens;
    this.output.replaceChildren(...this.printed);
    this.reset.hidden = true;
    delete this.code.closest(".cell").dataset.ran;
    forget(this.number);
  }

  // Whether the cells below it may run. `ran` is taken back by whatever changes meanwhile.
  async run() {
    say(`Running cell ${this.number + 1} of ${cells.length} …`);
    this.ran = true;
    const { outputs, lacks, goes_on } = await python.ask("run", this.number, this.text)
      .catch(error => { this.ran = false; throw error; });
    const shown = await Promise.all(outputs.map(([kind, text]) => SHOW[kind](text)));
    if (!this.ran) {
      say(`Cell ${this.number + 1} was changed while it ran: run it again.`);
      return false;
    }
    this.ran = outputs.every(([kind]) => kind !== "error");
    if (lacks.length) {
      const why = `As printed: ${lacks.join(", ")} ${lacks.length > 1 ? "need" : "needs"} what is not in the page.`;
      this.output.replaceChildren(...this.printed, make("p", { className: "trial-note", textContent: why }));
    } else {
      this.output.replaceChildren(...shown);
      if (goes_on) this.output.append(this.offerLine());
    }
    this.code.closest(".cell").dataset.ran = lacks.length ? "in part" : "yes";
    say(this.ran ? `Cell ${this.number + 1} has run.` : `Cell ${this.number + 1} ends with an error.`);
    return this.ran;
  }

  // A line below a derivation, which goes on from its last.
  offerLine() {
    const input = make("input", { type: "text", spellcheck: false, autocapitalize: "off",
      autocorrect: "off", autocomplete: "off", placeholder: "softmax(s)[j] - delta(j, y)" });
    const answer = make("div", { className: "trial", role: "status" });
    const form = make("form", { className: "next-line" },
      make("label", {}, "What next? = ", input), make("button", { textContent: "Try" }));
    form.onsubmit = async event => {
      event.preventDefault();
      if (!input.value.trim()) return;
      if (!this.ran) return say("Run the cell again first: what it made is lost, or was made by other code.");
      const { html, follows } = await asked(() => python.ask("go_on", this.number, input.value)) ?? {};
      if (html === undefined) return;
      const shown = await typeset(html);
      if (follows) {
        this.output.querySelector(".text_html").innerHTML = shown;
        answer.replaceChildren();
        input.value = "";
        say("It follows.");
      } else answer.innerHTML = shown;
    };
    return make("div", {}, form, answer);
  }
}

const cells = [];

// From this cell on, none has run as it stands.
const forget = number => { for (const cell of cells.slice(number)) cell.ran = false; };

// Whatever is asked, one thing after the other; what fails is said. To stop lets go of what waits.
let before = Promise.resolve();
let stops = 0;
const asked = ask => {
  const then = stops;
  return before = before.then(() => then === stops ? ask() : undefined).catch(error => say(error.message));
};
const letGo = () => { stops++; forget(0); };

// Run cells, up to the first that fails.
const runEach = async due => {
  for (const cell of due)
    if (!await cell.run()) {
      if (cell !== due.at(-1)) status.append(" Those below it were not run.");
      return false;
    }
  return true;
};

// Run a cell, after those above it that have not run as they stand.
const runTo = cell => asked(async () => {
  await python.wake();
  await runEach(cells.filter(({ ran, number }) => number === cell.number || number < cell.number && !ran));
});

const runAll = () => asked(async () => {
  await python.ask("begin");
  forget(0);
  if (await runEach(cells)) say("All cells have run.");
});

python.listen(say, letGo);

export const open = article => {
  for (const [number, element] of [...article.querySelectorAll(".cell:has(.cell_input pre)")].entries())
    cells.push(new Cell(element, number));
  bar.append(status, button("Run all", runAll), button("Stop", () => python.stop()),
    button("Reset all", () => { letGo(); cells.forEach(cell => cell.restore()); }));
  article.append(bar);
  bar.querySelector("button").focus({ preventScroll: true }); // where the pressed one went
  python.wake().catch(() => {});
};
