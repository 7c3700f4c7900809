// What no stylesheet can do, once the page is set.
(() => {
  // A box that scrolls sideways must be reachable by keyboard, and only while it does scroll:
  // otherwise every formula would be a stop of the tab key.
  const boxes = ["div.math", ".derivation td", ".output.text_html", "pre",
    ".pst-scrollable-table-container"].join();
  const offerKeyboard = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const wide = box.scrollWidth > box.clientWidth;
      if (wide && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  addEventListener("load", () => {
    offerKeyboard();
    new ResizeObserver(offerKeyboard).observe(document.querySelector(".bd-article") ?? document.body);
  });
})();
