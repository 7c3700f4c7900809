// What no stylesheet can do, once the page is set.
(() => {
  // A box that scrolls sideways must be reachable by keyboard, and only while it does scroll:
  // otherwise every formula would be a stop of the tab key.
  const boxes = ["div.math", ".derivation td", ".output.text_html", "pre",
    ".pst-scrollable-table-container", ".trial", ".given"].join();
  const isWide = box => box.scrollWidth > box.clientWidth;
  const offerKeyboard = () => {
    for (const box of document.querySelectorAll(boxes)) {
      if (isWide(box) && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  // What is too wide is set smaller until it fits, down to a smallest size in pixels.
  const shrink = (box, smallest) => {
    box.style.fontSize = "";
    const wide = box.scrollWidth / box.clientWidth;
    const size = parseFloat(getComputedStyle(box).fontSize);
    if (wide > 1) box.style.fontSize = `${Math.max(size / wide - 0.05, Math.min(size, smallest))}px`;
  };

  // What a cell prints wraps, unless it is a table, or code: where its columns would get too small, a
  // line above says that there are more to the right.
  const isTable = text => text.trim().split("\n").length > 1 && /\S {2,}\S|\n {3,}\S/.test(text);
  const sayMore = box => {
    const said = box.previousElementSibling?.matches(".more-columns") && box.previousElementSibling;
    if (!isWide(box)) return said && said.remove();
    if (said) return;
    const more = document.createElement("p");
    more.className = "more-columns";
    more.textContent = "more columns at the right →";
    box.before(more);
  };
  const fit = () => {
    for (const derivation of document.querySelectorAll("table.derivation")) {
      derivation.classList.remove("long");
      if ([...derivation.querySelectorAll(".left, .right")].some(isWide)) derivation.classList.add("long");
    }
    for (const formula of document.querySelectorAll("div.math, .derivation td:is(.left, .right)")) shrink(formula, 14);
    for (const pre of document.querySelectorAll(".cell_output pre")) {
      if (!isTable(pre.textContent)) continue;
      pre.classList.add("columns");
      shrink(pre, 9.5);
      sayMore(pre);
    }
    for (const box of document.querySelectorAll(".pst-scrollable-table-container, .output.text_html"))
      sayMore(box);
  };

  // Search: excerpts are sentences, without code and with formulas as one would read them out; and
  // what stands at an anchor without words of its own is told by the section around it.
  if (typeof Search !== "undefined" && Search.makeSearchSummary) {
    const greek = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", eta: "η", theta: "θ",
      kappa: "κ", lambda: "λ", mu: "μ", nu: "ν", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", phi: "φ",
      Delta: "Δ", Sigma: "Σ", sum: "Σ", int: "∫", nabla: "∇", partial: "∂", infty: "∞", le: "≤",
      ge: "≥", ne: "≠", cdot: "·", times: "×", to: "→", in: "∈", dots: "…", log: "log ", exp: "exp ",
      max: "max ", min: "min ", Vert: "‖" };
    const readable = tex => tex
      .replace(/\\[()[\]]|\$|\\(left|right|bigl?|bigr|Bigl?|Bigr|mathopen|displaystyle)\b\s*/g, "")
      .replace(/\\[dt]?frac\s*{([^{}]*)}\s*{([^{}]*)}/g, "$1/$2")
      .replace(/\\[dt]?frac\s*(\w)\s*(\w)/g, "$1/$2")
      .replace(/\\sqrt\s*/g, "√")
      .replace(/\\([A-Za-z]+)/g, (_, name) => greek[name] ?? (name.length > 3 ? "" : name))
      .replace(/\\[,;:!> ]/g, " ").replace(/[{}\\&]/g, "");
    const pages = new Map();
    const contentOf = html => {
      if (pages.has(html)) return pages.get(html);
      const page = new DOMParser().parseFromString(html, "text/html");
      const content = page.querySelector(".bd-article") ?? page.body;
      content.querySelectorAll("script, style, pre, table, .headerlink, .toc, summary, .cell_input, .given, .practice details")
        .forEach(element => element.remove());
      content.querySelectorAll(".math, .katex").forEach(element => {
        const tex = element.querySelector("annotation") ?? element;
        element.textContent = readable(tex.textContent);
      });
      pages.set(html, content);
      return content;
    };
    Search.htmlToText = (html, anchor) => {
      const content = contentOf(html);
      let told = anchor && content.querySelector(anchor.replace(/^#(?=\d)/, "#\\3"));
      if (told && told.textContent.trim().length < 80) told = told.closest("section");
      return (told || content).textContent.replace(/\s+/g, " ").trim();
    };
    const summarize = Search.makeSearchSummary;
    Search.makeSearchSummary = (...found) => summarize(...found) ?? document.createElement("p");
  }

  addEventListener("load", () => {
    let width;
    const refit = () => {
      if (innerWidth !== width) fit();
      width = innerWidth;
      offerKeyboard();
    };
    new ResizeObserver(refit).observe(document.querySelector(".bd-article") ?? document.body);
    refit();
    addEventListener("click", ({ target }) => { // what is unfolded had no width before
      if (target.closest("summary, .admonition-title, .toggle-button")) requestAnimationFrame(fit);
    });
  });

  // "Try it" wakes Python in the page; until it is pressed, nothing of it is loaded.
  const scripts = document.querySelector('meta[name="workbench"]')?.content;
  const canRun = scripts && location.protocol !== "file:" && typeof WebAssembly === "object";
  const load = name => import(new URL(`${scripts}workbench/${name}.js`, location.href).href);
  const article = document.querySelector(".bd-article");
  const practice = document.querySelector(".practice");
  const own = document.querySelector("[data-script]");
  if (canRun && own) load(own.dataset.script).then(({ open }) => open(own));
  else if (canRun) {
    const offer = (text, title, className, open) => {
      const button = Object.assign(document.createElement("button"), { className, textContent: text, title });
      button.onclick = async () => {
        button.disabled = true;
        try {
          await open();
          button.remove();
        } catch {
          button.textContent = "Python did not come: try again";
          button.disabled = false;
        }
      };
      return button;
    };
    const open = async name => (await load(name)).open(article);
    document.querySelector(".article-header-buttons")?.prepend(
      offer("Try it", "Change and run the cells of this page", "btn try-it", () => open("cells")));
    practice?.before(offer("Answer here", "Type lines below each start", "btn try-it", () => open("practice")));
  }
})();
