// Turns the article of a built page into a chapter of an e-book, which is XHTML: formulas as MathML,
// links between chapters, pictures beside them. `pages` are the addresses of all chapters.
async ([page, pages]) => {
  const response = await fetch(page);
  if (!response.ok) throw Error(`${page} is not built`);
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  const article = parsed.querySelector(".bd-article"), base = new URL(page);
  const own = new Map(pages.map(address => new URL(address)).map(({ pathname }) =>
    [pathname, `${pathname.split("/").pop().replace(".html", "")}.xhtml`]));
  const images = [];
  article.querySelectorAll("script, .headerlink, .toctree-wrapper, .copybtn, noscript, .on-paper").forEach(e => e.remove());
  article.querySelectorAll("details.hide").forEach(e => e.remove());  // the code of pictures
  for (const formula of article.querySelectorAll(".katex")) {
    const math = formula.querySelector("math");
    if (formula.parentElement.matches(".katex-display")) math.setAttribute("display", "block");
    formula.replaceWith(math);
  }
  for (const link of article.querySelectorAll("a[href]")) {
    const to = new URL(link.getAttribute("href"), base), file = own.get(to.pathname);
    if (to.origin !== base.origin) continue;
    if (file) link.setAttribute("href", to.pathname === base.pathname && to.hash ? to.hash : file + to.hash);
    else link.removeAttribute("href");  // a page that is not in the book
  }
  for (const image of article.querySelectorAll("img")) {
    const source = new URL(image.getAttribute("src"), base);
    images.push(source.pathname);
    image.setAttribute("src", `images/${source.pathname.split("/").pop()}`);
    image.removeAttribute("loading");
  }
  const seen = new Set();  // every exercise of the site calls its content by the same id
  for (const element of article.querySelectorAll("[id]"))
    if (seen.has(element.id)) element.removeAttribute("id");
    else seen.add(element.id);
  article.querySelectorAll("[role='doc-biblioentry']").forEach(e => e.removeAttribute("role"));  // deprecated
  const title = article.querySelector("h1").textContent.trim();
  const text = new XMLSerializer().serializeToString(article);
  return { title, images, text, file: own.get(base.pathname) };
}
