// Practice: an answer is typed below what is asked, and checked as homework is.
import { button, make } from "./elements.js";
import { all, keep } from "./kept.js";
import { python, typeset } from "./python.js";

const LABELS = { derivation: "Your lines", number: "Your number", function: "Your function", written: "Your words" };
const ROWS = { derivation: 3, function: 8, written: 5 };
const SAYS = { right: "Right.", partly: "Not all of it yet.", wrong: "Not yet.", missing: "", "to read": "" };

// A box for the answer to a question, and what is found of it. `kept` is what was typed before,
// `changed` is told what is typed and what was found. Homework has parameters, points, and hints
// that wrong answers unlock; practice has none.
export const answerBox = (question, kept, changed, parameters) => {
  const id = `answer-${question.name}`;
  const text = make(question.kind === "number" ? "input" : "textarea", { id, spellcheck: question.kind === "written",
    autocapitalize: "off", autocorrect: "off", autocomplete: "off" });
  if (ROWS[question.kind]) text.rows = ROWS[question.kind];
  const wrong = new Set();
  const status = make("p", { role: "status", className: "trial-note" });
  const found = make("div", { className: "trial", role: "region", "aria-label": `What is found: ${question.asks}`, "aria-live": "polite" });
  let waits = false;
  python.listen(said => { if (waits) status.textContent = said; });

  const check = async () => {
    const asked = text.value;
    found.replaceChildren();
    if (!asked.trim()) return void (status.textContent = "There is nothing to check yet.");
    status.textContent = "Checking …";
    waits = true;
    try {
      const ask = tried => python.ask("checked", JSON.stringify(question), asked, JSON.stringify(parameters ?? {}), tried);
      let finding = await ask(parameters ? wrong.size : 0);
      if (parameters && ["wrong", "partly"].includes(finding.status) && !wrong.has(asked))
        finding = await ask(wrong.add(asked).size);
      const shown = await typeset(finding.html);
      if (text.value === asked) {
        found.innerHTML = shown;
        status.textContent = SAYS[finding.status];
        if (parameters && SAYS[finding.status]) status.append(` ${finding.points} of ${finding.of} points.`);
        changed(asked, finding.status);
      } else status.textContent = "Your lines were changed meanwhile: check them again.";
    } catch (error) {
      status.textContent = error.message;
    } finally {
      waits = false;
    }
  };
  const forget = () => {
    found.replaceChildren();
    status.textContent = "";
  };
  text.oninput = () => {
    forget();
    changed(text.value);
  };
  const form = make("form", { className: "claim", "aria-label": question.asks, onreset: forget },
    make("label", { htmlFor: id, textContent: LABELS[question.kind] }), text,
    make("p", { className: "trial-buttons" }, make("button", { className: "main", textContent: "Check" }),
      button("Stop", () => python.stop())), status, found);
  text.value = kept;
  form.onsubmit = event => {
    event.preventDefault();
    check();
  };
  text.onkeydown = event => {
    if (event.key !== "Enter" || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    check();
  };
  return form;
};

export const download = (text, name, type) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

export const open = article => {
  const exercises = [...article.querySelectorAll(".practice")];
  const { chapter } = exercises[0].dataset;
  const done = () => all()[chapter] ?? {}; // read each time: the chapter may be open twice
  const progress = make("p", { role: "status" });
  const tell = kept => {
    const now = done();
    const solved = exercises.filter(({ dataset }) => now[JSON.parse(dataset.question).name]?.solved).length;
    progress.textContent = `${solved} of ${exercises.length} solved.`
      + (kept ? "" : " This browser keeps nothing: they are lost with the page.");
  };
  const boxes = exercises.map(element => {
    const question = JSON.parse(element.dataset.question), { name } = question;
    const box = answerBox(question, done()[name]?.typed ?? "", (typed, status) => {
      const before = done(), solved = before[name]?.solved || status === "right";
      tell(keep({ ...all(), [chapter]: { ...before, [name]: { typed, solved } } }));
    });
    element.insertBefore(box, element.querySelector("details"));
    return box;
  });
  exercises.at(-1).after(make("div", { className: "workbench practice-bar", role: "region", "aria-label": "Practice" }, progress,
    button("Download all that I did", () => download(JSON.stringify(all(), undefined, 1), "lossnotes-practice.json", "application/json")),
    button("Forget it", () => {
      if (!confirm("Forget what you did in all chapters?")) return;
      for (const box of boxes) box.reset();
      tell(keep({}));
    })));
  tell(keep(all()));
  boxes[0].querySelector("textarea, input").focus();
  python.wake().catch(() => {});
};
