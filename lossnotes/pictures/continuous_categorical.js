{
  const { INK, RUST, GREY, plain, line, grip, drawn, upTo, contour, triangle } = Moving;
  const least = 0.01, simplex = triangle(90, 34, 380, least);

  Moving.pictures.continuous_categorical = {
    size: [560, 395],
    needs: ["density", "nodes"],
    ranges: {
      first: [least, 0.97], second: [0.02, 0.98], y_1: [0, 0.5], y_2: [0, 0.5],
      lambda_1: [least, 0.98], lambda_2: [least, 0.98], lambda_3: [least, 0.98],
    },
    sliders: {
      first: { name: "λ of class 1", start: 0.6, step: 0.01 },
      second: { name: "of the rest, class 2", start: 0.75, step: 0.01 },
    },
    pressed: simplex.pressed,
    // The mean of the density, by the nodes and weights of a rule for integrals over the square.
    mean(f, lambda) {
      const sums = [0, 0, 0];
      for (const [first, its] of f.nodes)
        for (const [second, own] of f.nodes) {
          const y = simplex.shares({ first, second });
          const weight = its * own * (1 - first) * f.density(...lambda, y[0], y[1]);
          y.forEach((share, k) => { sums[k] += weight * share; });
        }
      const whole = sums[0] + sums[1] + sums[2];
      return sums.map(sum => sum / whole);
    },
    modes(lambda) {
      const highest = Math.max(...lambda);
      return [0, 1, 2].filter(k => highest - lambda[k] < 1e-9);
    },
    draw(f, state) {
      const lambda = simplex.shares(state), highest = Math.max(...lambda), sides = upTo(0, 1, 40);
      const medians = [[0, 1, 1], [1, 0, 1], [1, 1, 0]].map((ends, k) =>
        line([simplex.corners[k], simplex.at(ends.map(end => end / 2))], drawn(GREY, 1, "3 4")));
      const levels = [0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05].flatMap(share => contour((a, b) => {
        const y = simplex.shares({ first: a, second: b });
        return f.density(...lambda, y[0], y[1]);
      }, sides, sides, share * highest))
        .map(places => line(places.map(([first, second]) => simplex.at(simplex.shares({ first, second }))), drawn(INK, 1)));
      const [x, y] = simplex.at(this.mean(f, lambda));
      const cross = line([[x - 9, y], [x + 9, y]], drawn(RUST, 3.5)) + line([[x, y - 9], [x, y + 9]], drawn(RUST, 3.5));
      const modes = this.modes(lambda).map(k => simplex.corners[k]).map(([a, b]) =>
        `<rect x="${(a - 8).toFixed(1)}" y="${(b - 8).toFixed(1)}" width="16" height="16" fill="#fff" stroke="${INK}" stroke-width="2.2"/>`);
      return medians.join("") + levels.join("") + simplex.markup + modes.join("") + cross + grip(simplex.at(lambda));
    },
    say(f, state) {
      const lambda = simplex.shares(state), modes = this.modes(lambda).map(k => k + 1);
      const list = numbers => numbers.map(number => plain(number, 3)).join(", ");
      return `λ is ${list(lambda)}, and the mean ${list(this.mean(f, lambda))}. The density is `
        + ["", `largest at class ${modes[0]} alone.`, `largest all along the edge from ${modes[0]} to ${modes[1]}.`,
          "the same everywhere."][modes.length];
    },
  };
}
