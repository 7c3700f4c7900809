{
  const { INK, BLUE, RUST, GREY, plain, line, dot, grip, drawn, axes, name, upTo, contour } = Moving;

  const valley = axes([90, 12, 440, 150],
    { from: -5.5, to: 5.5, ticks: [-4, -2, 0, 2, 4], name: name("w", 1) },
    { from: -1.4, to: 1.4, ticks: [-1, 0, 1], name: name("w", 2) });
  const plane = axes([90, 240, 440, 190],
    { from: 0, to: 2.2, ticks: [0, 0.5, 1, 1.5, 2], name: `step, in units of 1/${name("λ", "max")}` },
    { from: 0, to: 1.25, ticks: [0, 0.5, 1], name: "rate" });

  Moving.pictures.convergence = {
    size: [560, 490],
    needs: ["height", "flat", "steep", "rate", "best", "before"],
    ranges: { gamma: [0.02, 2.2], kappa: [1, 50], w_1: [-5.5, 5.5], w_2: [-1.4, 1.4] },
    sliders: {
      gamma: { name: "step", start: 1.7, step: 0.02 },
      kappa: { name: "condition number", start: 10, step: 1 },
    },
    pressed(place) {
      if (place[1] > 200) return { gamma: Math.max(0.02, plane.from(place)[0]) };
    },
    draw(f, { gamma, kappa }) {
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
      const best = f.best(kappa), lowest = f.rate(best, kappa);
      const rates = [...upTo(0, 2.2, 44), best].sort((a, b) => a - b).map(g => [g, f.rate(g, kappa)]);
      return valley.markup + valley.inside(levels.join("") + way) + plane.markup
        + line(plane.at([[0, 1], [2.2, 1]]), drawn(GREY, 1)) + line(plane.at([[2, 0], [2, 1.25]]), drawn(RUST, 1.6, "6 4"))
        + line(plane.at([[best, 0], [best, lowest]]), drawn(GREY, 1.2, "3 4"))
        + plane.inside(line(plane.at(rates), drawn(INK))) + grip(plane.at([[gamma, f.rate(gamma, kappa)]])[0]);
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
}
