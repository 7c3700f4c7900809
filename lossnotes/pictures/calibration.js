{
  const { INK, BLUE, RUST, GREY, plain, text, line, dot, grip, drawn, axes } = Moving;
  const share = { from: 0, to: 1, ticks: [0, 0.5, 1] };
  const square = axes([90, 16, 300, 260], { ...share, name: "confidence" }, { ...share, name: "share that is right" });
  const plane = axes([90, 354, 350, 200], { from: 0, to: 8, ticks: [0, 1, 2, 3, 4, 5, 6, 7, 8], name: "temperature" },
    { ...share, name: "on the test" });

  Moving.pictures.calibration = {
    size: [560, 620],
    needs: ["tempered", "fitted"],
    ranges: { t: [0.5, 8] },
    sliders: { t: { name: "temperature t", start: 1, step: 0.25 } },
    // What was measured at a temperature.
    at: (f, t) => f.tempered.find(row => row.t === t),
    pressed(place) {
      if (place[1] > 320) return { t: Math.max(0.5, Math.round(4 * plane.from(place)[0]) / 4) };
    },
    draw(f, { t }) {
      const { bins, right, sure, loss } = this.at(f, t);
      const points = bins.map(([count, said, found]) =>
        line(square.at([[said, said], [said, found]]), drawn(RUST, 1.6))
        + dot(square.at([[said, found]])[0], 2 + Math.sqrt(count) / 2.4, BLUE));
      const curve = (key, name, look) => {
        const rows = f.tempered.map(row => [row.t, row[key]]);
        return plane.inside(line(plane.at(rows), look))
          + text(plane.x(8) + 6, plane.y(rows.at(-1)[1]) + 6, name, 'style="text-anchor: start"');
      };
      return square.markup + line(square.at([[0, 0], [1, 1]]), drawn(GREY, 1)) + points.join("")
        + plane.markup + line(plane.at([[f.fitted, 0], [f.fitted, 1]]), drawn(GREY, 1.2, "3 4"))
        + curve("right", "right", drawn(INK)) + curve("sure", "confidence", drawn(BLUE, 2, "6 4"))
        + curve("loss", "log loss", drawn(RUST, 2, "9 3 2 3"))
        + plane.at([[t, right], [t, sure]]).map(place => dot(place, 5, INK)).join("")
        + grip(plane.at([[t, loss]])[0]);
    },
    say(f, { t }) {
      const { right, sure, loss, error } = this.at(f, t);
      return `At the temperature ${plain(t)} the share ${plain(right, 4)} is right, and the mean confidence is ${plain(sure, 3)}: `
        + (sure > right ? "too sure. " : "too modest. ")
        + `The log loss is ${plain(loss, 3)}, and ECE in ten bins ${plain(error, 3)}.`;
    },
  };
}
