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
    return { x, y, markup, at: points => points.map(([a, b]) => [x(a), y(b)]) };
  };
  const name = (letter, below = "") =>
    `<tspan font-style="italic">${letter}</tspan>`
    + (below && `<tspan dy="5" font-size="13">${below}</tspan><tspan dy="-5">\u200b</tspan>`);
  const upTo = (from, to, steps) =>
    Array.from({ length: steps + 1 }, (_, n) => from + (to - from) * n / steps);

  // Lines along which a function on a square has a height: in each small square from side to side,
  // then joined.
  const contour = (heights, axis, level) => {
    const ends = new Map();
    const join = (one, other) => {
      for (const [key, next] of [[one, other], [other, one]])
        ends.set(key, [...ends.get(key) ?? [], next]);
    };
    const high = (i, j) => heights[j][i] > level;
    const crosses = (i, j, k, l) => high(i, j) !== high(k, l) && [[i, j, k, l].join()];
    for (let j = 0; j + 1 < axis.length; j++)
      for (let i = 0; i + 1 < axis.length; i++) {
        const sides = [crosses(i, j, i + 1, j), crosses(i + 1, j, i + 1, j + 1),
          crosses(i, j + 1, i + 1, j + 1), crosses(i, j, i, j + 1)].filter(Boolean).flat();
        for (let n = 0; n + 1 < sides.length; n += 2) join(sides[n], sides[n + 1]);
      }
    const place = key => {
      const [i, j, k, l] = key.split(",").map(Number);
      const share = (level - heights[j][i]) / (heights[l][k] - heights[j][i]);
      return [axis[i] + share * (axis[k] - axis[i]), axis[j] + share * (axis[l] - axis[j])];
    };
    const lines = [], seen = new Set();
    const starts = [...ends.keys()].sort((a, b) => ends.get(a).length - ends.get(b).length);
    for (const start of starts) {
      const path = [];
      for (let key = start; key && !seen.has(key); key = ends.get(key).find(next => !seen.has(next))) {
        seen.add(key);
        path.push(place(key));
      }
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
        const level = (of, look) => {
          const heights = axis.map(s_2 => axis.map(s_1 => of(s_1, s_2)));
          return ticks.slice(1, -1).flatMap(tick => contour(heights, axis, tick + 1e-9))
            .map(points => line(plane.at(points), look)).join("");
        };
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
