// Joins the articles of the built book into the page that is printed: `pages` are addresses in their
// order. Links between them become links in the document; solutions go to the end.
async pages => {
  const parsed = async address => {
    const response = await fetch(address);
    if (!response.ok) throw Error(`${address} is not built`);
    return new DOMParser().parseFromString(await response.text(), "text/html");
  };
  const anchor = (page, id) => `${page.replace(/\W/g, "-")}--${id}`;
  const own = new Map(pages.map(page => [new URL(page).pathname, page]));

  const chapter = async page => {
    const base = new URL(page);
    const document_ = await parsed(base);
    const article = document_.querySelector(".bd-article");
    article.querySelectorAll("script, .headerlink, .toctree-wrapper, .copybtn, noscript, .on-paper, .katex-mathml, .derivation details > ol").forEach(e => e.remove());
    for (const element of article.querySelectorAll("[id]")) element.id = anchor(page, element.id);
    for (const link of article.querySelectorAll("a[href]")) {
      const to = new URL(link.getAttribute("href"), base);
      const target = to.origin === base.origin && own.get(to.pathname);
      if (target) link.href = `#${to.hash ? anchor(target, decodeURIComponent(to.hash.slice(1))) : anchor(target, "")}`;
      else if (to.origin === base.origin) link.removeAttribute("href"); // a page that is not printed
    }
    for (const image of article.querySelectorAll("img")) {
      image.src = new URL(image.getAttribute("src"), base).href;
      image.loading = "eager";
    }
    for (const box of article.querySelectorAll("details:not(.derivation details)")) box.open = true;
    article.id = anchor(page, "");
    article.className = "bd-article chapter";
    return article;
  };

  // Paper is white: without what shines through, a picture takes half the bytes.
  const onWhite = image => {
    if (!image.src.endsWith(".png")) return;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d", { alpha: false });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0);
    [image.width, image.height] = [image.width, image.height];
    image.src = canvas.toDataURL("image/png");
  };

  const chapters = await Promise.all(pages.map(chapter));
  const solutions = document.createElement("article");
  solutions.className = "bd-article chapter";
  solutions.append(Object.assign(document.createElement("h1"), { textContent: "Solutions" }));
  const heads = [];
  for (const [number, article] of chapters.entries()) {
    const title = article.querySelector("h1").textContent.trim();
    heads.push([article, title]);
    const solved = [...article.querySelectorAll(".solution")];
    if (!solved.length) continue;
    const section = document.createElement("section");
    section.append(Object.assign(document.createElement("h2"), { textContent: title }));
    for (const solution of solved) {
      solution.classList.remove("dropdown", "toggle", "toggle-hidden");
      section.append(solution);
    }
    solutions.append(section);
  }
  heads.push([solutions, "Solutions"]);
  const rules = heads.map(([article, title], number) => {
    article.style.page = `chapter-${number}`;
    return `@page chapter-${number} { @top-right { content: ${JSON.stringify(title)}; } }`;
  });
  const style = Object.assign(document.createElement("style"), { textContent: rules.join("\n") });

  document.documentElement.dataset.theme = "light";
  document.body.className = "";
  document.body.replaceChildren(...chapters, solutions);
  document.head.append(style);
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  for (const image of document.images) onWhite(image);
  // A token of code that looks as what is around it would be a tag of its own in the PDF.
  const look = element => {
    const { color, fontWeight, fontStyle } = getComputedStyle(element);
    return [color, fontWeight, fontStyle].join();
  };
  const alike = [...document.querySelectorAll(".highlight pre span")].filter(token => look(token) === look(token.parentElement));
  for (const token of alike) token.replaceWith(...token.childNodes);
  document.body.normalize();
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  const dead = [...document.querySelectorAll("a[href^='#']")].filter(link => !document.getElementById(link.hash.slice(1)));
  const room = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > room
    ? [...document.querySelectorAll(".chapter :not(.hide-tail *)")].filter(e => e.getBoundingClientRect().right > room + 1) : [];
  return {
    wide: wide.map(element => element.outerHTML.slice(0, 100)),
    dead: dead.map(link => `${link.textContent}: ${link.getAttribute("href")}`),
    figures: document.querySelectorAll("figure").length,
    formulas: document.querySelectorAll(".katex").length,
  };
}
