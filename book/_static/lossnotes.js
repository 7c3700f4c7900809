// What no stylesheet can do, once the page is set.
(() => {
  // A box that scrolls sideways must be reachable by keyboard, and only while it does scroll:
  // otherwise every formula would be a stop of the tab key.
  const boxes = ["div.math", "mjx-container", ".derivation td", ".output.text_html", "pre",
    ".pst-scrollable-table-container"].join();
  const offerKeyboard = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const wide = box.scrollWidth > box.clientWidth;
      if (wide && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  // No line begins with the comma that follows a formula.
  const keepPunctuation = () => {
    for (const formula of document.querySelectorAll("span.math")) {
      const text = formula.nextSibling;
      const mark = text?.nodeType === Node.TEXT_NODE && text.data.match(/^[.,;:!?)’”]+/)?.[0];
      if (!mark) continue;
      const unbroken = document.createElement("span");
      unbroken.className = "unbroken";
      formula.before(unbroken);
      text.data = text.data.slice(mark.length);
      unbroken.append(formula, mark);
    }
  };

  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    keepPunctuation();
    offerKeyboard();
    new ResizeObserver(offerKeyboard).observe(document.querySelector(".bd-article") ?? document.body);
  });
})();
