// What pictures share that a reader can move. Each is a function from what the sliders say to SVG
// (pictures/), run for the still picture when a notebook runs (moving.py), and in the page for every
// move. Formulas come from derivations: `f` holds them as functions, and the data beside them.
var Moving = (() => {
  const INK = "#1f1d1a", BLUE = "#1b6ca8", RUST = "#a84f12", GREY = "#75716a";

  // Lettering, lines, and axes around a box [left, top, width, height].
  const round = number => (Math.abs(number) < 0.05 ? 0 : number).toFixed(1).replace(/\.0$/, "");
  const plain = (number, digits = 2) => String(+number.toFixed(digits)).replace("-", "−");
  const text = (x, y, words, look = "") =>
    `<text x="${round(x)}" y="${round(y)}" fill="${INK}" text-anchor="middle" ${look}>${words}</text>`;
  const halo = "stroke: #fff; stroke-width: 7; stroke-linejoin: round; paint-order: stroke";  // for text on lines
  const line = (points, look) =>
    `<path d="M${points.map(point => point.map(round)).join("L")}" fill="none" ${look}/>`;
  const dot = ([x, y], radius, color) =>
    `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${color}"/>`;
  const grip = place => dot(place, 6, BLUE)
    + `<circle class="grip" cx="${round(place[0])}" cy="${round(place[1])}" r="24" fill-opacity="0"/>`;
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
    const value = (axis, share) => axis.from + Math.min(1, Math.max(0, share)) * (axis.to - axis.from);
    const from = ([a, b]) => [value(across, (a - left) / width), value(up, (top + height - b) / height)];
    return { x, y, markup, inside, from, at: points => points.map(([a, b]) => [x(a), y(b)]) };
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

  // The triangle of three probabilities: certainty in class 1 is its corner at the left below, in 2
  // at the right, in 3 on top. Two sliders say where one is: the share of the first class, and what
  // the second has of the rest.
  const triangle = (left, top, width, least) => {
    const height = width * Math.sqrt(3) / 2;
    const at = p => [left + (p[1] + p[2] / 2) * width, top + (1 - p[2]) * height];
    const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(at);
    const markup = line([...corners, corners[0]], drawn(INK, 1.2))
      + text(corners[0][0] - 18, corners[0][1] + 6, 1) + text(corners[1][0] + 18, corners[1][1] + 6, 2)
      + text(corners[2][0], corners[2][1] - 12, 3);
    const shares = ({ first, second }) => [first, (1 - first) * second, (1 - first) * (1 - second)];
    const pressed = ([x, y]) => {
      const third = 1 - (y - top) / height, other = (x - left) / width - third / 2;
      const p = [1 - other - third, other, third];
      if (Math.min(...p) < -0.2) return;  // far outside
      const inside = p.map(share => Math.max(share, least)), sum = inside[0] + inside[1] + inside[2];
      return { first: inside[0] / sum, second: inside[1] / (sum - inside[0]) };
    };
    return { at, corners, markup, shares, pressed };
  };

  const pictures = {};

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

  // In the page: a slider for each number, and a sentence that says what one sees. Where a picture
  // has a grip, that can be drawn, too; a place that is pressed is one it is drawn to.
  const move = svg => {
    const picture = pictures[svg.dataset.picture], f = made(JSON.parse(svg.dataset.given));
    const state = started(picture), said = document.createElement("p");
    const controls = document.createElement("div");
    controls.className = "moves";
    said.setAttribute("role", "status");
    const sliders = Object.entries(picture.sliders).map(([key, { name, step, shown = plain }]) => {
      const label = document.createElement("label"), slider = document.createElement("input");
      const word = document.createElement("span"), value = document.createElement("span");
      const [min, max] = picture.ranges[key];
      Object.assign(slider, { type: "range", min, max, step });
      slider.oninput = () => change({ [key]: Number(slider.value) });
      word.textContent = name;
      label.append(word, value, slider);
      controls.append(label);
      return () => {
        slider.value = state[key];
        value.textContent = shown(state[key]);
        slider.setAttribute("aria-valuetext", `${name} = ${shown(state[key])}`);
      };
    });
    const show = () => {
      svg.innerHTML = picture.draw(f, state);
      said.textContent = picture.say(f, state);
      sliders.forEach(tell => tell());
    };
    let due;
    const change = changed => {
      Object.assign(state, changed);
      cancelAnimationFrame(due);
      due = requestAnimationFrame(show);
    };
    if (picture.pressed) {
      const follow = ({ clientX, clientY }) => {
        const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
        change(picture.pressed([x, y], state));
      };
      svg.onpointerdown = event => {  // a finger elsewhere scrolls the page
        if (event.pointerType === "mouse" || event.target.matches(".grip"))
          svg.setPointerCapture(event.pointerId);
      };
      svg.onpointermove = event => svg.hasPointerCapture(event.pointerId) && follow(event);
      svg.onclick = follow;
    }
    controls.append(said);
    svg.after(controls);
    show();
  };
  if (typeof document !== "undefined") addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll("svg.moving").forEach(move));

  return { pictures, made, still, needs: key => pictures[key]?.needs,
    INK, BLUE, RUST, GREY, plain, text, halo, line, dot, grip, drawn, axes, name, upTo, contour, triangle };
})();
