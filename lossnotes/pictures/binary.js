{
  const { INK, BLUE, RUST, GREY, plain, text, line, dot, grip, drawn, axes, name, upTo } = Moving;
  const score = { from: -8, to: 4, ticks: [-8, -4, 0, 4], name: `score ${name("s")}` };
  const panels = [
    { key: "log", title: "cross-entropy", box: axes([70, 40, 190, 260], score, { from: 0, to: 8, ticks: [0, 4, 8], name: "loss" }) },
    { key: "squared", title: "squared error", box: axes([340, 40, 190, 260], score, { from: 0, to: 0.55, ticks: [0, 0.5], name: "loss" }) },
  ];

  Moving.pictures.binary = {
    size: [560, 365],
    needs: ["log", "log_slope", "squared", "squared_slope", "steepest"],
    ranges: { s: [-8, 4], start: [-8, 4], gamma: [0.5, 16], made: [0, 60] },
    sliders: {
      start: { name: "start", start: -5, step: 0.1 },
      gamma: { name: "factor γ of a step", start: 1, step: 0.5 },
      made: { name: "steps made", start: 10, step: 1 },
    },
    pressed([x, y]) {
      const panel = panels[x < 300 ? 0 : 1];
      return { start: panel.box.from([x, y])[0] };
    },
    // Where a ball is after each step.
    path(f, key, { start, gamma, made }) {
      const path = [start];
      while (path.length <= made) path.push(path.at(-1) - gamma * f[`${key}_slope`](path.at(-1)));
      return path;
    },
    draw(f, state) {
      return panels.map(({ key, title, box }) => {
        const path = this.path(f, key, state), end = path.at(-1);
        const balls = box.at(path.map(s => [Math.min(s, 4), f[key](Math.min(s, 4))])), [x, y] = balls.at(-1);
        return box.markup + text((box.x(-8) + box.x(4)) / 2, 24, title)
          + box.inside(line(box.at(upTo(-8, 4, 96).map(s => [s, f[key](s)])), drawn(INK)))
          + (key === "squared" ? line(box.at([[f.steepest(), 0], [f.steepest(), 0.55]]), drawn(GREY, 1.4, "3 4")) : "")
          + grip(balls[0]) + balls.slice(1, -1).map(place => dot(place, 2.6, RUST)).join("")
          + `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="6" fill="#fff" stroke="${INK}" stroke-width="2.2"/>`
          + (end > 4 ? text(x - 4, y - 12, `${plain(end, 1)} →`, 'style="text-anchor: end"') : "");
      }).join("");
    },
    say(f, state) {
      const [log, squared] = panels.map(({ key }) => this.path(f, key, state).at(-1));
      const where = state.start < f.steepest() ? "left of" : "right of";
      return `From ${plain(state.start)}, ${where} −log 2, ${state.made} steps lead to ${plain(log)} with cross-entropy, `
        + `and to ${plain(squared)} with the squared error. Their first steps are ${plain(-state.gamma * f.log_slope(state.start), 4)} `
        + `and ${plain(-state.gamma * f.squared_slope(state.start), 4)}.`;
    },
  };
}
