// Pictures that a reader can move. Each is a function from what the sliders say to SVG, run for the
// still picture when a notebook runs (moving.py), and in the page for every move. Formulas come from
// derivations: `f` holds them as functions, and the data beside them.
var Moving = (() => {
  const INK = "#1f1d1a", BLUE = "#1b6ca8", RUST = "#a84f12", GREY = "#75716a";

  // Lettering, lines, and axes around a box [left, top, width, height].
  const round = number => (Math.abs(number) < 0.05 ? 0 : number).toFixed(1).replace(/\.0$/, "");
  const plain = (number, digits = 2) => String(+number.toFixed(digits)).replace("-", "−");
  const text = (x, y, words, look = "") =>
    `<text x="${round(x)}" y="${round(y)}" fill="${INK}" text-anchor="middle" ${look}>${words}</text>`;
  const line = (points, look) =>
    `<path d="M${points.map(point => point.map(round)).join("L")}" fill="none" ${look}/>`;
  const dot = ([x, y], radius, color) =>
    `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${color}"/>`;
  const drawn = (color, width = 2, dashes = "") =>
    `stroke="${color}" stroke-width="${width}"${dashes && ` stroke-dasharray="${dashes}"`}`;
  const axes = ([left, top, width, height], across, up) => {
    const x = value => left + (value - across.from) / (across.to - across.from) * width;
    const y = value => top + height - (value - up.from) / (up.to - up.from) * height;
    const markup = line([[left, top], [left, top + height], [left + width, top + height]], drawn(INK, 1))
      + across.ticks.map(tick => text(x(tick), top + height + 21, plain(tick))).join("")
      + up.ticks.map(tick => text(left - 8, y(tick) + 6, plain(tick), 'style="text-anchor: end"')).join("")
      + text(left + width / 2, top + height + 45, across.name)
      + text(0, 0, up.name, `transform="translate(${left - 44} ${top + height / 2}) rotate(-90)"`);
    const inside = drawing => `<svg x="${left}" y="${top}" width="${width}" height="${height}" `
      + `viewBox="${left} ${top} ${width} ${height}">${drawing}</svg>`;
    return { x, y, markup, inside, at: points => points.map(([a, b]) => [x(a), y(b)]) };
  };
  const name = (letter, below = "") =>
    `<tspan font-style="italic">${letter}</tspan>`
    + (below && `<tspan dy="5" font-size="13">${below}</tspan><tspan dy="-5">\u200b</tspan>`);
  const upTo = (from, to, steps) =>
    Array.from({ length: steps + 1 }, (_, n) => from + (to - from) * n / steps);

  // Lines along which a function has a height: from side to side in each cell of a grid, then joined.
  const contour = (of, across, up, level) => {
    const heights = up.map(b => across.map(a => of(a, b)));
    const ends = new Map();
    const join = (one, other) => {
      for (const [key, next] of [[one, other], [other, one]])
        ends.set(key, [...ends.get(key) ?? [], next]);
    };
    const high = (i, j) => heights[j][i] > level;
    const crosses = (i, j, k, l) => high(i, j) !== high(k, l) && [[i, j, k, l].join()];
    for (let j = 0; j + 1 < up.length; j++)
      for (let i = 0; i + 1 < across.length; i++) {
        const sides = [crosses(i, j, i + 1, j), crosses(i + 1, j, i + 1, j + 1),
          crosses(i, j + 1, i + 1, j + 1), crosses(i, j, i, j + 1)].filter(Boolean).flat();
        for (let n = 0; n + 1 < sides.length; n += 2) join(sides[n], sides[n + 1]);
      }
    const place = key => {
      const [i, j, k, l] = key.split(",").map(Number);
      const share = (level - heights[j][i]) / (heights[l][k] - heights[j][i]);
      return [across[i] + share * (across[k] - across[i]), up[j] + share * (up[l] - up[j])];
    };
    const lines = [], seen = new Set();
    const starts = [...ends.keys()].sort((a, b) => ends.get(a).length - ends.get(b).length);
    for (const start of starts) {
      const path = [];
      let last;
      for (let key = start; key && !seen.has(key); key = ends.get(key).find(next => !seen.has(next))) {
        seen.add(key);
        path.push(place(key));
        last = key;
      }
      if (path.length > 2 && ends.get(last).includes(start)) path.push(path[0]);
      if (path.length > 1) lines.push(path);
    }
    return lines;
  };

  const pictures = {
    logsumexp: {
      size: [560, 470],
      needs: ["height", "pull", "largest", "above"],
      ranges: { s_1: [-3, 3], s_2: [-3, 3], t: [0.05, 2] },
      sliders: { t: { name: "temperature t", start: 1, step: 0.05 } },
      draw(f, { t }) {
        const [from, to] = this.ranges.s_1, ticks = [-3, -2, -1, 0, 1, 2, 3];
        const plane = axes([90, 12, 400, 400], { from, to, ticks, name: name("s", 1) },
          { from, to, ticks, name: name("s", 2) });
        const axis = upTo(from, to, 60);
        const level = (of, look) => ticks.slice(1, -1)
          .flatMap(tick => contour(of, axis, axis, tick + 1e-9))  // no corner of the grid is at it
          .map(points => line(plane.at(points), look)).join("");
        const numbers = ticks.slice(1, -1).map(tick => text(plane.x(tick) + 10, plane.y(tick) - 6, plain(tick)));
        const feet = upTo(-2.5, 2.5, 5);
        const arrows = feet.flatMap(s_2 => feet.map(s_1 => {
          const [a, b] = [f.pull(s_1, s_2, t), f.pull(s_2, s_1, t)].map(pull => 0.5 * pull);
          const tip = [s_1 + a, s_2 + b];
          return line(plane.at([[s_1, s_2], tip]), drawn(BLUE, 2.2))
            + line(plane.at([[tip[0] - 0.3 * a - 0.15 * b, tip[1] - 0.3 * b + 0.15 * a], tip,
              [tip[0] - 0.3 * a + 0.15 * b, tip[1] - 0.3 * b - 0.15 * a]]), drawn(BLUE, 2.2));
        }));
        return plane.markup + level((a, b) => f.largest(a, b), drawn(GREY, 1.2, "3 4"))
          + level((a, b) => f.height(a, b, t), drawn(INK, 1.8)) + arrows.join("") + numbers.join("");
      },
      say(f, { t }) {
        return `On the diagonal the height is ${plain(f.above(t))} above the two scores, `
          + (t < 0.2 ? "and one sees the corner of the maximum."
            : t < 1 ? "and the contours bend more sharply." : "and the contours bend gently.");
      },
    },
  };

  pictures.convergence = {
    size: [560, 490],
    needs: ["height", "flat", "steep", "rate", "best", "before"],
    ranges: { gamma: [0.02, 2.2], kappa: [1, 50], w_1: [-5.5, 5.5], w_2: [-1.4, 1.4] },
    sliders: {
      gamma: { name: "step", start: 1.7, step: 0.02 },
      kappa: { name: "condition number", start: 10, step: 1 },
    },
    draw(f, { gamma, kappa }) {
      const valley = axes([90, 12, 440, 150],
        { from: -5.5, to: 5.5, ticks: [-4, -2, 0, 2, 4], name: name("w", 1) },
        { from: -1.4, to: 1.4, ticks: [-1, 0, 1], name: name("w", 2) });
      const across = upTo(...this.ranges.w_1, 66), up = upTo(...this.ranges.w_2, 42);
      const levels = [0.05, 0.2, 0.5, 0.9, 2, 5, 10]
        .flatMap(level => contour((a, b) => f.height(kappa, a, b), across, up, level))
        .map(points => line(valley.at(points), drawn(GREY, 1)));
      const path = [[-5, 0.6]];
      while (path.length <= 12) {
        const [a, b] = path.at(-1);
        path.push([f.flat(gamma, kappa, a), f.steep(gamma, b)]);
      }
      const places = valley.at(path);
      const way = line(places, drawn(BLUE, 1.6)) + places.map(place => dot(place, 3.2, BLUE)).join("");

      const plane = axes([90, 240, 440, 190],
        { from: 0, to: 2.2, ticks: [0, 0.5, 1, 1.5, 2], name: `step, in units of 1/${name("λ", "max")}` },
        { from: 0, to: 1.25, ticks: [0, 0.5, 1], name: "rate" });
      const best = f.best(kappa), lowest = f.rate(best, kappa);
      const rates = [...upTo(0, 2.2, 44), best].sort((a, b) => a - b).map(g => [g, f.rate(g, kappa)]);
      return valley.markup + valley.inside(levels.join("") + way) + plane.markup
        + line(plane.at([[0, 1], [2.2, 1]]), drawn(GREY, 1)) + line(plane.at([[2, 0], [2, 1.25]]), drawn(RUST, 1.6, "6 4"))
        + line(plane.at([[best, 0], [best, lowest]]), drawn(GREY, 1.2, "3 4"))
        + plane.inside(line(plane.at(rates), drawn(INK))) + dot(...plane.at([[gamma, f.rate(gamma, kappa)]]), 6, BLUE);
    },
    say(f, { gamma, kappa }) {
      const best = f.best(kappa);
      return (gamma < 2
        ? `A step of ${plain(gamma)} leaves ${plain(f.rate(gamma, kappa))} of the distance in its slower direction. `
        : `A step of ${plain(gamma)} multiplies the steep direction by ${plain(f.steep(gamma, 1))}, and never arrives. `)
        + `The best step, ${plain(best)}, leaves ${plain(f.rate(best, kappa))}. It lies ${plain(f.before(kappa))} `
        + "before the edge at 2.";
    },
  };

  // Formulas become functions of their symbols, in the order of their names.
  const made = given => Object.fromEntries(Object.entries(given).map(([key, value]) =>
    [key, value?.javascript ? Function(...value.of, `return ${value.javascript}`) : value]));
  const started = picture =>
    Object.fromEntries(Object.entries(picture.sliders).map(([key, { start }]) => [key, start]));
  const still = (key, given) => {
    const picture = pictures[key], [width, height] = picture.size;
    const written = given.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" `
      + `class="moving" font-family="Source Serif, STIXGeneral, serif" font-size="18" `
      + `data-picture="${key}" data-given="${written}">`
      + picture.draw(made(JSON.parse(given)), started(picture)) + "</svg>";
  };

  // In the page: a slider for each number, and a sentence that says what one sees.
  const move = svg => {
    const picture = pictures[svg.dataset.picture], f = made(JSON.parse(svg.dataset.given));
    const state = started(picture), said = document.createElement("p");
    const controls = document.createElement("div");
    controls.className = "moves";
    said.setAttribute("role", "status");
    let due;
    const show = () => {
      svg.innerHTML = picture.draw(f, state);
      said.textContent = picture.say(f, state);
    };
    for (const [key, { name, step, start, shown = plain }] of Object.entries(picture.sliders)) {
      const label = document.createElement("label"), slider = document.createElement("input");
      const value = document.createElement("span"), [min, max] = picture.ranges[key];
      const tell = () => {
        value.textContent = shown(state[key]);
        slider.setAttribute("aria-valuetext", `${name} = ${shown(state[key])}`);
      };
      Object.assign(slider, { type: "range", min, max, step, value: start });
      slider.oninput = () => {
        state[key] = Number(slider.value);
        tell();
        cancelAnimationFrame(due);
        due = requestAnimationFrame(show);
      };
      tell();
      const word = document.createElement("span");
      word.textContent = name;
      label.append(word, value, slider);
      controls.append(label);
    }
    controls.append(said);
    svg.after(controls);
    show();
  };
  if (typeof document !== "undefined") document.querySelectorAll("svg.moving").forEach(move);

  return { pictures, made, still, needs: key => pictures[key]?.needs };
})();
