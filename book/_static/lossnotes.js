// What is too wide scrolls in its own box. Such a box must be reachable by keyboard, and only
// while it does scroll: otherwise every formula would be a stop of the tab key.
(() => {
  const boxes =
    "div.math, mjx-container, .derivation td, .output.text_html, .pst-scrollable-table-container, pre";
  const update = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const scrolls =
        box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto";
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("load", () => {
    (window.MathJax?.startup?.promise ?? Promise.resolve()).then(() => {
      update();
      new ResizeObserver(update).observe(document.querySelector(".bd-article") ?? document.body);
    });
  });
})();
