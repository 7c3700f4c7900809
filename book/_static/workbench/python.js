// The Python of a page: woken when it is asked for the first time, stopped when an answer takes too long.
// KaTeX sets what the page did not arrive with.
const katexAddress = new URL("../katex/katex.min.js", import.meta.url).href;
let katex;
const loadKatex = () => katex ??= new Promise((done, fail) => {
  const script = document.createElement("script");
  script.onload = () => done(window.katex);
  script.onerror = () => { katex = undefined; fail(Error("KaTeX is not there")); };
  script.src = katexAddress;
  document.head.append(script);
});

const unescape = text => new DOMParser().parseFromString(text, "text/html").documentElement.textContent;

// HTML in which formulas stand between \( \) or \[ \], or all of it between dollars.
export const typeset = async html => {
  const { renderToString } = await loadKatex();
  const set = (tex, displayMode) => renderToString(unescape(tex), { displayMode, throwOnError: false });
  return html
    .replace(/^\$\$?\s*(?:\\displaystyle)?([^]*?)\$?\$$/, (_, tex) => set(tex, true))
    .replace(/\\\(([^]*?)\\\)/g, (_, tex) => set(tex, false))
    .replace(/\\\[([^]*?)\\\]/g, (_, tex) => set(tex, true));
};

export class Python {
  static patience = 20; // seconds
  #worker;
  #awake;
  #cannot; // ends the waking
  #waiting = new Map();
  #count = 0;
  #listeners = [];
  #said = "";

  // Whom to say what becomes of it, in words; and whom to call when its state is gone.
  listen(say, lost = () => {}) {
    this.#listeners.push({ say, lost });
    say(this.#said);
  }

  #say(said) {
    this.#said = said;
    for (const { say } of this.#listeners) say(said);
  }

  wake() {
    return this.#awake ??= new Promise((done, fail) => {
      this.#cannot = fail;
      loadKatex().catch(() => {}); // told when a formula is set
      this.#worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      this.#worker.onerror = ({ message }) => this.#end(`Python cannot start: ${
        message || "its files did not come, or this browser cannot run them"}.`);
      this.#worker.onmessage = ({ data }) => {
        if (data.said) this.#say(data.said);
        if (data.awake) { this.#say("Python is ready."); done(); }
        if (data.fails) this.#end(`Python cannot start: ${data.fails}`);
        if (data.broke) this.stop("Python broke off: perhaps this is too long, or too deeply nested.");
        const waits = this.#waiting.get(data.id);
        if (!waits) return;
        this.#waiting.delete(data.id);
        data.error === undefined ? waits.done(data.answer) : waits.fail(Error(data.error));
      };
    });
  }

  // The answer to a question; what is asked in `given` is what lossnotes.workbench.Page takes.
  async ask(question, ...given) {
    await this.wake();
    const id = ++this.#count;
    let clock;
    const answer = new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      clock = setTimeout(() => this.stop(`It took more than ${Python.patience} seconds and was stopped. `
        + "A smaller question may have an answer."), 1000 * Python.patience);
      this.#worker.postMessage({ id, question, given });
    });
    try {
      return await answer;
    } finally {
      clearTimeout(clock);
    }
  }

  stop(why = "Stopped.") {
    if (this.#awake)
      this.#end(`${why} What was computed is lost; Python starts again with the next run.`);
  }

  // All who wait for Python, or for an answer of it, are told why none comes.
  #end(why) {
    this.#worker.terminate();
    this.#worker = this.#awake = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const fail of [this.#cannot, ...waiting.map(({ fail }) => fail)]) fail(Error(why));
    for (const { lost } of this.#listeners) lost();
    this.#say(why);
  }
}

// That of this page.
export const python = new Python();
