// Draws the charts of the page from the data in it. Everything else on the page works without this script.
const livebench = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = (size) => `${size}px system-ui, sans-serif`;

  // What is shown of a value, by what it is.
  const digits = (v) => Number(v.toPrecision(3)).toString();
  const time = (us) => us == null ? "–" : us < 1e3 ? digits(us) + " µs" : us < 1e6 ? digits(us / 1e3) + " ms" : digits(us / 1e6) + " s";
  const clock = (s) => {
    if (s == null) return "–";
    const [h, m, r] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.round((s % 60) * 10) / 10];
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    return h ? `${h}:${two(m)}:${two(r)}` : m ? `${m}:${two(r)}` : `${r} s`;
  };
  const plain = (v) => v == null ? "–" : Number(v.toPrecision(5)).toString();
  const change = (v) => v == null ? "–" : `${v > 0 ? "+" : ""}${plain(v)} %`;
  const percent = (v) => v == null ? "–" : `${plain(v)} %`;
  const share = (x) => x == null ? "–" : Number((100 * (1 - 1 / x)).toPrecision(6)) + " %";

  // Scales. A limit far beyond the values is drawn at the edge: it must not squeeze the curves.
  const level = (spec, of) => (spec.limits ?? []).filter((l) => !l.upright).map((l) => l.at).filter(of);
  const upward = (spec) => ({ range: (_, low, high) => { const top = Math.max(high ?? 0, ...level(spec, (at) => at <= 2 * high)); return [0, top > 0 ? top * 1.05 : 1]; } });
  const around = () => ({ range: (_, low, high) => [Math.min(low ?? 0, -1) * 1.1, Math.max(high ?? 0, 1) * 1.1] });
  const logarithmic = (spec) => ({ distr: 3, range: (_, low, high) => {
    if (!(low > 0)) return [1, 10];
    const near = level(spec, (at) => at >= low / 10 && at <= high * 10);
    return uPlot.rangeLog(Math.min(low, ...near), Math.max(high, ...near), 10, false);
  } });
  const ys = { count: [plain, upward, ""], time: [time, logarithmic, " (us)"], span: [time, upward, " (us)"], change: [change, around, ""], percent: [percent, upward, ""] };
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  const decades = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
  const percentiles = (u) => (u.width < 600 ? [1, 10, 100, 1000, 10000] : [1, 2, 4, 10, 20, 100, 1000, 10000]);
  const xs = {
    time: { show: clock, name: "second", scale: { time: false }, axis: { incrs: steps, values: (_, vs) => vs.map(clock) }, csv: plain },
    percentile: { show: share, name: "percentile", scale: { time: false, distr: 3, range: () => [1, 10000] }, axis: { splits: percentiles, filter: (_, s) => s, values: (_, vs) => vs.map(share) }, csv: (x) => Number((100 * (1 - 1 / x)).toPrecision(6)) },
    duration: { show: time, name: "from (us)", scale: { time: false, distr: 3, range: (_, low, high) => [low, high] }, axis: { splits: (u, _, low, high) => decades.flatMap((d) => (high / low > 300 ? [d] : [d, 2 * d, 5 * d])).filter((d) => d >= low && d <= high), filter: (_, s) => s, values: (_, vs) => vs.map(time) }, csv: plain },
  };
  // Runs in their order: the axis has their dates, the legend and the data their names.
  const runs = ([names, dates]) => {
    const of = (column) => (i) => data.columns[column][i] ?? "";
    return {
      show: (i) => (i == null ? "–" : of(names)(i)), name: "run", scale: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] },
      axis: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 80, values: (_, vs) => vs.map((i) => (Number.isInteger(i) ? of(dates)(i) : "")) }, csv: of(names),
    };
  };
  const across = (spec) => (spec.x === "run" ? runs(spec.runs) : xs[spec.x]);

  const stepped = uPlot.paths.stepped({ align: 1 });
  const styles = {
    line: () => ({}), dash: () => ({ dash: [5, 4] }), step: () => ({ paths: stepped }), step_dash: () => ({ paths: stepped, dash: [6, 4] }),
    step_fill: (hue) => ({ paths: stepped, fill: hue + "2e" }), wide: () => ({ width: 7, alpha: 0.4 }), wide_step: () => ({ width: 6, alpha: 0.4, paths: stepped }),
    dots: (hue) => ({ points: { show: true, size: 5, width: 1, fill: hue, stroke: hue } }),
    points: (hue) => ({ paths: () => null, points: { show: true, size: 5, width: 1, fill: hue, stroke: hue } }),
  };

  const on = (u, draw) => {
    const { ctx, bbox } = u;
    const px = devicePixelRatio;
    ctx.save();
    ctx.font = font(11 * px); ctx.lineWidth = px; ctx.textBaseline = "alphabetic"; ctx.textAlign = "left";
    draw(ctx, bbox, px);
    ctx.restore();
  };
  const line = (ctx, x1, y1, x2, y2) => { ctx.beginPath(); ctx.moveTo(x1, y1); ctx.lineTo(x2, y2); ctx.stroke(); };

  // Where the stages begin: lines behind the curves, names above them.
  const drawStages = (u) => on(u, (ctx, bbox, px) => {
    ctx.strokeStyle = colour("--line"); ctx.fillStyle = colour("--dim"); ctx.setLineDash([4 * px, 4 * px]);
    let free = -Infinity;
    for (const { at, label } of data.stages) {
      if (at < u.scales.x.min || at >= u.scales.x.max) continue;
      const [x, width] = [Math.round(u.valToPos(at, "x", true)), ctx.measureText(label).width];
      line(ctx, x, bbox.top, x, bbox.top + bbox.height);
      const from = Math.max(Math.min(x, bbox.left + bbox.width - width), 0);
      if (from <= free) continue;
      ctx.fillText(label, from, bbox.top - 6 * px);
      free = from + width + 8 * px;
    }
  });

  // The limits of the thresholds, above the curves; an arrow points to one that lies outside.
  const drawLimits = (u, limits) => on(u, (ctx, bbox, px) => {
    const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
    const taken = [];
    const label = (text, x, y, hue) => {
      while (taken.some((other) => Math.abs(other - y) < 13 * px)) y += 13 * px;
      taken.push(y);
      const width = ctx.measureText(text).width;
      const from = Math.min(Math.max(x, bbox.left + 4 * px), right - width - 4 * px);
      ctx.fillStyle = colour("--ground"); ctx.globalAlpha = 0.8; ctx.fillRect(from - 2 * px, y - 10 * px, width + 4 * px, 13 * px);
      ctx.fillStyle = hue; ctx.globalAlpha = 1; ctx.fillText(text, from, y);
    };
    for (const limit of limits) {
      const hue = colour(limit.hue);
      ctx.strokeStyle = hue; ctx.setLineDash([8 * px, 3 * px]); ctx.lineWidth = 1.5 * px;
      const scale = u.scales[limit.upright ? "x" : "y"];
      const [below, above] = [limit.at < scale.min, limit.at > scale.max];
      const width = ctx.measureText(limit.label).width;
      if (limit.upright) {
        if (below || above) { label(above ? `${limit.label} →` : `← ${limit.label}`, above ? right : bbox.left, bbox.top + 12 * px, hue); continue; }
        const x = u.valToPos(limit.at, "x", true);
        line(ctx, x, bbox.top, x, bottom);
        label(limit.label, x + 5 * px, bbox.top + 12 * px, hue);
        continue;
      }
      if (below || above) { label(`${above ? "↑" : "↓"} ${limit.label}`, right, above ? bbox.top + 12 * px : bottom - 4 * px, hue); continue; }
      const y = u.valToPos(limit.at, "y", true);
      const [from, to] = limit.near ? [0.5, 2].map((f) => Math.min(Math.max(u.valToPos(limit.near * f, "x", true), bbox.left), right)) : [bbox.left, right];
      line(ctx, from, y, to, y);
      label(limit.label, limit.near ? (from + to - width) / 2 : right, y - 4 * px < bbox.top + 10 * px ? y + 12 * px : y - 4 * px, hue);
    }
  });

  const values = (of) => (typeof of === "string" ? data.columns[of] : of);
  const tables = new Map(); // of each place: its chart and its specification

  const options = (spec, width) => {
    const [x, [show, scale]] = [across(spec), ys[spec.y]];
    const axis = (title, more) => ({ stroke: colour("--dim"), font: font(12), label: title, labelFont: font(12), labelSize: 22, labelGap: 6, grid: { stroke: colour("--line"), width: 0.5 }, ticks: { stroke: colour("--line"), width: 0.5 }, ...more });
    const size = (_, vs) => 14 + 7 * Math.max(2, ...(vs ?? []).map((v) => (v ?? "").length));
    const curve = ({ label, hue, style }) => ({ label, stroke: colour(hue), width: 1.5, spanGaps: false, points: { show: false }, value: (_, v) => show(v), ...styles[style](colour(hue)) });
    const named = spec.x === "time" && data.stages.length > 0;
    return {
      width, height: width < 500 ? 250 : 290, padding: [named ? 20 : 8, 12, 0, 0],
      scales: { x: x.scale, y: scale(spec) },
      series: [{ label: { time: "at", percentile: "percentile", duration: "from", run: "run" }[spec.x], value: (_, v) => x.show(v) }, ...spec.series.map(curve)],
      axes: [axis(spec.titles[0], { size: 30, ...x.axis }), axis(spec.titles[1], { size, values: (_, vs) => vs.map((v) => (v == null ? "" : show(v))) })],
      cursor: spec.x === "time" ? { sync: { key: "time" } } : {},
      hooks: { drawAxes: named ? [drawStages] : [], draw: spec.limits ? [(u) => drawLimits(u, spec.limits)] : [] },
    };
  };

  const draw = () => {
    tables.forEach(({ chart }) => chart.destroy());
    tables.clear();
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = data.charts[place.dataset.chart];
      if (!spec || place.clientWidth === 0) continue; // folded
      const chart = new uPlot(options(spec, place.clientWidth), [values(spec.at), ...spec.series.map((s) => values(s.values))], place);
      const canvas = chart.root.querySelector("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", place.dataset.says);
      tables.set(place, { chart, spec });
    }
  };

  // The numbers of a chart, a row for each place of its horizontal axis.
  const rows = (place) => {
    const spec = data.charts[place.dataset.chart];
    const [x, unit] = [across(spec), ys[spec.y][2]];
    const at = values(spec.at);
    const columns = spec.series.map((s) => values(s.values));
    const body = at.slice(0, spec.closed ? -1 : undefined).map((v, i) => [x.csv(v), ...columns.map((c) => c[i] ?? "")]);
    return [[x.name, ...spec.series.map((s) => s.label + unit)], ...body];
  };

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
  document.addEventListener("toggle", draw, true);
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 150); });
  return { colour, font, rows, chart: (place) => tables.get(place)?.chart };
})();
