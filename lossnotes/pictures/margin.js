{
  const { INK, BLUE, RUST, GREY, plain, text, halo, line, dot, grip, drawn, axes, name, upTo, contour, triangle } = Moving;
  const least = 0.02, chances = triangle(160, 28, 240, least);

  Moving.pictures.margin = {
    size: [560, 580],
    needs: ["margin", "log", "per_lead", "gap"],
    ranges: {
      first: [least, 0.96], second: [0.03, 0.97], q: [0, 1],
      q_1: [least, 0.96], q_2: [least, 0.96], q_3: [least, 0.96], s_1: [-4, 4], s_2: [-4, 4],
    },
    sliders: {
      first: { name: "chance of class 1", start: 0.4, step: 0.01 },
      second: { name: "of the rest, class 2", start: 0.5, step: 0.01 },
    },
    pressed: chances.pressed,
    // The scores of the least margin loss: one class leads by one if that lowers it, else all tie.
    leader(f, q) {
      const leads = q.findIndex(share => f.per_lead(share) < 0);
      return { leads, scores: [[1, 0], [0, 1], [-1, -1]][leads] ?? [0, 0] };
    },
    draw(f, state) {
      const q = chances.shares(state), axis = upTo(-4, 4, 48), ticks = [-4, -2, 0, 2, 4];
      const plane = (left, title, loss, best) => {
        const within = { from: -4, to: 4, ticks };
        const box = axes([left, 300, 200, 200], { ...within, name: name("s", 1) }, { ...within, name: name("s", 2) });
        const ties = [[4, 4], [0, -4], [-4, 0]].map(end => line(box.at([[0, 0], end]), drawn(GREY, 1.2, "3 4")));
        const levels = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2].flatMap(above =>
          contour((a, b) => loss(...q, a, b), axis, axis, loss(...q, ...best) + above));
        const names = [[3, -3, 1], [-3, 3, 2], [-3.3, -3.3, 3]].map(([a, b, number]) => text(box.x(a), box.y(b) + 6, number, `style="${halo}"`));
        return box.markup + text(left + 100, 288, title) + ties.join("")
          + levels.map(points => line(box.at(points), drawn(INK, 1.1))).join("") + names.join("")
          + dot(...box.at([best]), 6, BLUE);
      };
      const middle = [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]].map(chances.at);
      const borders = middle.map(end => line([chances.at([1 / 3, 1 / 3, 1 / 3]), end], drawn(GREY, 1.2, "3 4")));
      return `<path d="M${middle.join("L")}Z" fill="${GREY}" fill-opacity="0.25"/>` + borders.join("") + chances.markup
        + plane(70, "margin loss", f.margin, this.leader(f, q).scores)
        + plane(340, "log loss", f.log, [f.gap(q[0], q[2]), f.gap(q[1], q[2])])
        + grip(chances.at(q));
    },
    say(f, state) {
      const q = chances.shares(state), { leads } = this.leader(f, q);
      const gaps = [f.gap(q[0], q[2]), f.gap(q[1], q[2])];
      const likeliest = q.indexOf(Math.max(...q));
      const even = q.findIndex(share => f.per_lead(share) === 0);
      return `Chances ${q.map(share => plain(share, 3)).join(", ")}. The margin loss is least `
        + (even >= 0 ? `where all scores tie, and where class ${even + 1} leads, by up to one: it has half of the chances. `
          : leads < 0 ? "where all scores tie, and names no class: none has half of the chances. "
          : `where class ${leads + 1} leads by one, and names it, which has more than half of the chances. `)
        + `The log loss is least at the scores ${gaps.map(gap => plain(gap)).join(", ")} and 0, `
        + (q.filter(share => Math.abs(share - q[likeliest]) < 1e-9).length > 1 ? "where the likeliest classes tie."
          : `and names class ${likeliest + 1}, the likeliest.`);
    },
  };
}
