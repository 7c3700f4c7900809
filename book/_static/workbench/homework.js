// Homework in the page: a student's notebook is opened, answered, checked, and given back filled in.
import { button, make } from "./elements.js";
import { answerBox, download } from "./practice.js";
import { python, typeset } from "./python.js";

export const open = place => {
  const status = make("p", { role: "status", className: "trial-note" });
  const sheet = make("div", { className: "sheet" });
  const choose = make("input", { type: "file", id: "files", multiple: true, accept: ".ipynb,.json" });
  const texts = {}; // the notebook and the questions, once they are chosen
  let name, answers, given = true;
  python.listen(said => { if (!answers) status.textContent = said; });

  const show = async ({ error, questions, parameters, cells }) => {
    if (error) return void (status.textContent = error);
    answers = {};
    const parts = await Promise.all(cells.map(async ({ html, code, question, typed }) => {
      if (html !== undefined) return make("div", { innerHTML: await typeset(html) });
      if (code !== undefined) return make("pre", { textContent: code });
      return answerBox(questions[question], typed, now => {
        answers[questions[question].name] = now;
        given = false;
      }, parameters);
    }));
    sheet.replaceChildren(...parts, make("p", { className: "trial-buttons" },
      button("Download my answers", async () => {
        try {
          const filled = await python.ask("filled", texts.ipynb, texts.json, JSON.stringify(answers));
          download(filled, name, "application/x-ipynb+json");
          given = true;
          status.textContent = said.textContent = `${name} has your answers: hand it in.`;
        } catch (error) {
          said.textContent = error.message;
        }
      })), said);
    status.textContent = "";
    sheet.querySelector("textarea, input").focus({ preventScroll: true });
  };
  const said = make("p", { role: "status", className: "trial-note" });

  // Whether another homework may take the place of this one.
  const makeRoom = () => {
    if (!given && !confirm("What you typed is not downloaded yet. Open another homework without it?")) return false;
    given = true;
    answers = undefined;
    sheet.replaceChildren();
    return true;
  };
  const openTexts = async () => {
    try {
      await show(await python.ask("opened", texts.ipynb, texts.json));
    } catch (error) {
      status.textContent = error.message;
    }
  };
  choose.onchange = async () => {
    if (!makeRoom()) return void (choose.value = "");
    for (const file of choose.files) {
      const kind = file.name.split(".").pop();
      texts[kind] = await file.text();
      if (kind === "ipynb") name = file.name;
    }
    if (!texts.ipynb) status.textContent = "Choose your notebook, too: its name ends with .ipynb.";
    else if (!texts.json) status.textContent = "Choose questions.json, too: it came with the notebook.";
    else openTexts();
  };

  // An address such as homework.html#of=../handout/softmax/softmax.ipynb opens what lies on this server.
  const follow = async () => {
    const of = new URLSearchParams(location.hash.slice(1)).get("of");
    if (!of || !makeRoom()) return;
    const address = new URL(of, location.href);
    if (address.origin !== location.origin) return void (status.textContent = "Only homework on this server is opened.");
    try {
      [texts.ipynb, texts.json] = await Promise.all([address, new URL("questions.json", address)].map(async url => {
        const response = await fetch(url, { cache: "no-cache" });
        if (!response.ok) throw Error(`${url.pathname} is not there.`);
        return response.text();
      }));
      name = address.pathname.split("/").pop();
      openTexts();
    } catch (error) {
      status.textContent = error.message;
    }
  };
  addEventListener("hashchange", follow);
  addEventListener("beforeunload", event => { if (!given) event.preventDefault(); });
  place.replaceChildren(make("form", { className: "claim" },
    make("label", { htmlFor: "files", textContent: "Your notebook, and questions.json" }), choose), status, sheet);
  follow();
};
