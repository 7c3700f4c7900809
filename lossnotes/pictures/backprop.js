{
  const { INK, BLUE, RUST, plain, text, halo, line, drawn } = Moving;
  const column = [66, 280, 494];
  const rows = [[130, 340], [130, 340], [70, 235, 400]];
  const place = (layer, unit) => [column[layer], rows[layer][unit]];
  // All lines, from the unit `into` of a layer to the unit `out` of the next.
  const lines = [0, 1].flatMap(layer => rows[layer + 1].flatMap((_, out) =>
    rows[layer].map((_, into) => ({ layer, out, into, ends: [place(layer, into), place(layer + 1, out)] }))));
  const along = ([[a, b], [c, d]], share) => [a + share * (c - a), b + share * (d - b)];
  const signed = number => plain(number).replace(/^(?=[1-9]|0\.)/, "+");

  Moving.pictures.backprop = {
    size: [560, 480],
    needs: ["score", "sent", "loss", "pull", "weight", "back", "network"],
    ranges: {
      chosen: [1, 10], moved: [-3, 3], way: [0, 3], z: [-3, 3], b: [-3, 3], g: [-1, 1], x: [-3, 3],
      w_1: [-3, 3], w_2: [-3, 3], x_1: [-3, 3], x_2: [-3, 3], s_1: [-4, 4], s_2: [-4, 4], s_3: [-4, 4],
      q_1: [0, 1], q_2: [0, 1], q_3: [0, 1], g_1: [-1, 1], g_2: [-1, 1], g_3: [-1, 1],
      v_1: [-3, 3], v_2: [-3, 3], v_3: [-3, 3],
    },
    sliders: {
      chosen: { name: "which weight", start: 2, step: 1 },
      moved: { name: "moved by", start: 0, step: 0.1 },
      way: { name: "layers back", start: 3, step: 1 },
    },
    // A weight that is pressed is chosen; anywhere else the pulls go one layer farther back.
    pressed([x, y], { way }) {
      const far = lines.map(({ ends: [[a, b], [c, d]] }) => {
        const share = Math.min(0.85, Math.max(0.15, ((x - a) * (c - a) + (y - b) * (d - b)) / ((c - a) ** 2 + (d - b) ** 2)));
        return Math.hypot(a + share * (c - a) - x, b + share * (d - b) - y);
      });
      const nearest = Math.min(...far);
      return nearest < 14 ? { chosen: far.indexOf(nearest) + 1 } : { way: (way + 1) % 4 };
    },
    run(f, { chosen, moved }) {
      const { weights, biases, x, q } = f.network;
      const own = lines.map(({ layer, out, into }, n) => weights[layer][out][into] + (n === chosen - 1 ? moved : 0));
      const into = (layer, out) => own.filter((_, n) => lines[n].layer === layer && lines[n].out === out);
      const score = (layer, from) => rows[layer + 1].map((_, out) => f.score(biases[layer][out], ...into(layer, out), ...from));
      const hidden = score(0, x), sent = hidden.map(z => f.sent(z)), scores = score(1, sent);
      const pulls = scores.map((s, k) => f.pull(q[k], s, ...scores.filter((_, other) => other !== k)));
      const behind = hidden.map((z, unit) =>
        f.back(...pulls, ...own.filter((_, n) => lines[n].layer === 1 && lines[n].into === unit), z));
      const carried = [x, sent], pulled = [behind, pulls];
      const gradients = lines.map(({ layer, out, into }) => f.weight(pulled[layer][out], carried[layer][into]));
      return { own, carried, pulled, gradients, units: [x, sent, scores], loss: f.loss(...q, ...scores) };
    },
    draw(f, state) {
      const { own, gradients, units, pulled } = this.run(f, state), { biases } = f.network;
      const wires = lines.map(({ ends }, n) => line(ends, n === state.chosen - 1 ? drawn(BLUE, 4)
        : own[n] < 0 ? drawn(INK, 0.5 - own[n], "7 4") : drawn(INK, 0.5 + own[n])));
      const pull = `fill: ${RUST}; font-weight: 600`;
      const beside = lines.map(({ layer, ends }, n) => {
        const [x, y] = along(ends, 0.27), [a, b] = along(ends, 0.76);
        return text(x, y + 5, plain(own[n]), `style="${halo}"`) + (state.way > 1 + (1 - layer)
          ? text(a, b + 5, signed(gradients[n]), `style="${halo}; ${pull}"`) : "");
      });
      const circles = units.flatMap((numbers, layer) => numbers.map((number, unit) => {
        const [x, y] = place(layer, unit), bias = layer && biases[layer - 1][unit];
        return `<circle cx="${x}" cy="${y}" r="25" fill="#fff" stroke="${INK}" stroke-width="1.4"/>`
          + text(x, y + 6, plain(number)) + (bias ? text(x, y - 33, `bias ${plain(bias)}`, 'font-size="16"') : "")
          + (layer && state.way >= 3 - layer ? text(x, y + 47, signed(pulled[layer - 1][unit]),
            `style="${pull}"`) : "");
      }));
      return wires.join("") + beside.join("") + circles.join("")
        + ["inputs", "hidden units", "scores"].map((words, layer) => text(column[layer], 472, words)).join("");
    },
    say(f, state) {
      const { own, carried, pulled, gradients, loss } = this.run(f, state);
      const { layer, out, into } = lines[state.chosen - 1], carries = carried[layer][into];
      const gradient = gradients[state.chosen - 1], shown = state.way > 1 + (1 - layer);
      const off = layer === 0 && carried[1][out] === 0;
      return `The loss is ${plain(loss, 3)}. `
        + ["Forward only. ", "The pulls on the scores: prediction minus target. ",
          "One layer back: pull times what is carried, and the pulls on the hidden units. ", ""][state.way]
        + `The chosen weight, ${plain(own[state.chosen - 1])}, carries ${plain(carries)} into `
        + `${layer ? "score" : "hidden unit"} ${out + 1}` + (!shown ? "."
          : off ? ", which is off and lets nothing through: gradient 0."
            : carries === 0 ? ": gradient 0, whatever the pull." : ` with the pull ${signed(pulled[layer][out])}: `
            + `gradient ${signed(gradient)}.`);
    },
  };
}
