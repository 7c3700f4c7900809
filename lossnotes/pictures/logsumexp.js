{
  const { INK, BLUE, GREY, plain, text, line, drawn, axes, name, upTo, contour } = Moving;

  Moving.pictures.logsumexp = {
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
  };
}
