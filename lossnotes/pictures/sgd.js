{
  const { INK, BLUE, RUST, GREY, plain, text, line, dot, grip, drawn, axes, name, upTo, contour } = Moving;
  const plane = axes([90, 12, 440, 210], { from: 0, to: 0.16, ticks: [0, 0.04, 0.08, 0.12, 0.16], name: "step" },
    { from: 0, to: 1, ticks: [0, 0.5, 1], name: name("β") });
  const valley = axes([90, 306, 170, 170], { from: -12, to: 12, ticks: [-10, 0, 10], name: name("w", 1) },
    { from: -4, to: 4, ticks: [-3, 0, 3], name: name("w", 2) });
  const fall = axes([360, 306, 170, 170], { from: 0, to: 100, ticks: [0, 50, 100], name: "steps made" },
    { from: -6, to: 2, ticks: [-6, -4, -2, 0, 2], name: "log₁₀ distance" });
  const flat = 1, steep = 25;  // the curvatures of the chapter's valley

  Moving.pictures.sgd = {
    size: [560, 540],
    needs: ["rate", "limit", "next", "floor", "height", "noises"],
    ranges: {
      gamma: [0.002, 0.16], beta: [0, 0.98], noise: [0, 1], lamda: [1, 25], nu: [-2, 2], V: [0, 1],
      w_0: [-10, 10], w_1: [-10, 10], w_2: [-4, 4],
    },
    sliders: {
      gamma: { name: "step", start: 0.076, step: 0.002, shown: step => plain(step, 3) },
      beta: { name: "β", start: 0, step: 0.02 },
      noise: { name: "noise of the gradient", start: 0, step: 0.1 },
    },
    pressed(place) {
      if (place[1] > 260) return;
      const [gamma, beta] = plane.from(place);
      return { gamma: Math.max(0.002, gamma), beta: Math.min(0.98, beta) };
    },
    worst: (f, gamma, beta) => Math.max(f.rate(beta, gamma, flat), f.rate(beta, gamma, steep)),
    path(f, { gamma, beta, noise }) {
      const along = [[-10, 1.5]];
      for (const draws of f.noises) {
        const here = along.at(-1), before = along.at(-2) ?? here;
        along.push([flat, steep].map((curvature, n) => f.next(beta, gamma, curvature, noise * draws[n], before[n], here[n])));
        if (Math.hypot(...along.at(-1)) > 1e6) break;
      }
      return along;
    },
    noiseFloor: (f, { gamma, beta, noise }) =>
      Math.sqrt([flat, steep].reduce((sum, curvature) => sum + f.floor(noise ** 2, beta, gamma, curvature), 0)),
    draw(f, state) {
      const { gamma, beta, noise } = state, betas = upTo(0, 0.999, 50), rate = this.worst(f, gamma, beta);
      const edge = betas.map(b => [f.limit(b, steep), b]);
      const beyond = plane.at([...edge, [0.16, 0]]).map(place => place.join()).join("L");
      const levels = [0.7, 0.8, 0.9, 0.95].map(level => {
        const lines = contour((g, b) => this.worst(f, g, b), upTo(0.001, 0.16, 80), betas, level);
        const top = Math.max(...lines.flat().map(([, b]) => b));
        const edge = lines.flat().filter(([, b]) => b > top - 0.01).map(([g]) => g);
        const [x, y] = plane.at([[(Math.min(...edge) + Math.max(...edge)) / 2, top]])[0];
        return lines.map(points => line(plane.at(points), drawn(INK, 1.1))).join("")
          + text(x, y - 4, plain(level), 'font-size="15"');
      });
      const across = upTo(-12, 12, 48), up = upTo(-4, 4, 48);
      const hills = [5, 25, 75, 150].flatMap(height => contour((a, b) => f.height(a, b), across, up, height))
        .map(points => line(valley.at(points), drawn(GREY, 1)));
      const path = this.path(f, state), places = valley.at(path.slice(0, 41));
      const distances = path.map(([a, b], k) => [k, Math.log10(Math.hypot(a, b) + 1e-12)]);
      const rule = [[0, distances[0][1]], [100, distances[0][1] + 100 * Math.log10(rate)]];
      const floor = noise && rate < 1 ? Math.log10(this.noiseFloor(f, state)) : NaN;
      return `<path d="M${beyond}Z" fill="${GREY}" fill-opacity="0.25"/>` + plane.markup + levels.join("")
        + plane.inside(line(plane.at(edge), drawn(RUST, 1.8, "6 4")))
        + valley.markup + valley.inside(hills.join("") + line(places, drawn(BLUE, 1.3)) + places.map(place => dot(place, 2.4, BLUE)).join(""))
        + fall.markup + fall.inside(line(fall.at(rule), drawn(GREY, 1.4, "3 4")) + line(fall.at(distances), drawn(BLUE, 1.6))
          + (floor ? line(fall.at([[0, floor], [100, floor]]), drawn(RUST, 1.6, "6 4")) : ""))
        + grip(plane.at([[gamma, beta]])[0]);
    },
    say(f, state) {
      const { gamma, beta, noise } = state, rate = this.worst(f, gamma, beta);
      return (rate < 1
        ? `Step ${plain(gamma, 3)} with β = ${plain(beta)} has the rate ${plain(rate, 3)}`
          + (Math.abs(rate - Math.sqrt(beta)) < 1e-9 ? ", the root of β, in both directions. "
            : f.rate(beta, gamma, flat) > f.rate(beta, gamma, steep) ? ", along the flat direction. " : ", along the steep direction. ")
        : `Step ${plain(gamma, 3)} is not below ${plain(f.limit(beta, steep), 3)}, where momentum with β = ${plain(beta)} stops converging. `)
        + (!noise ? "There is no noise." : rate < 1
          ? `In the long run the noise ${plain(noise)} leaves ${plain(this.noiseFloor(f, state), 3)}, the root of the mean squared distance.` : `The noise is ${plain(noise)}.`);
    },
  };
}
