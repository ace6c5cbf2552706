// Draws the charts of the page from the data in it. Everything else on the page stands without this script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const digits = (v) => Number(v.toPrecision(3)).toString();
  const time = (us) => us == null ? "–" : us < 1e3 ? digits(us) + " µs" : us < 1e6 ? digits(us / 1e3) + " ms" : digits(us / 1e6) + " s";
  const clock = (s) => {
    if (s == null) return "–";
    const [h, m, r] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.round((s % 60) * 10) / 10];
    return h ? `${h}:${String(m).padStart(2, "0")}:${String(Math.floor(r)).padStart(2, "0")}` : m ? `${m}:${String(Math.floor(r)).padStart(2, "0")}` : `${r} s`;
  };
  const plain = (v) => v == null ? "–" : Number(v.toPrecision(5)).toString();
  const change = (v) => v == null ? "–" : `${v > 0 ? "+" : ""}${plain(v)} %`;
  const share = (x) => x == null ? "–" : Number((100 * (1 - 1 / x)).toPrecision(6)) + " %";

  // Where the stages begin, behind the curves.
  const stages = {
    hooks: {
      drawAxes: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.strokeStyle = colour("--line"); ctx.fillStyle = colour("--dim"); ctx.lineWidth = devicePixelRatio; ctx.textAlign = "left"; ctx.textBaseline = "alphabetic";
        ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]); ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
        let free = -Infinity;
        for (const stage of data.stages) {
          if (stage.at < u.scales.x.min || stage.at > u.scales.x.max) continue;
          const x = Math.round(u.valToPos(stage.at, "x", true));
          ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
          if (x > free) { ctx.fillText(stage.label, x + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio); free = x + ctx.measureText(stage.label).width + 8 * devicePixelRatio; }
        }
        ctx.restore();
      },
    },
  };

  const axis = (over) => ({ stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 0.5 }, ticks: { stroke: colour("--line"), width: 0.5 }, ...over });
  const series = (list, show) => [{}, ...list.map(([label, hue, over]) => ({ label, stroke: colour(hue), width: 1.5, spanGaps: false, points: { show: false }, value: (_, v) => show(v), ...over }))];
  const step = { paths: uPlot.paths.stepped({ align: 1 }) };
  const wholeSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  const overTime = (list, show, scale, more) => ({
    scales: { x: { time: false }, y: scale }, series: [{ label: "at", value: (_, v) => clock(v) }, ...series(list, show).slice(1)],
    axes: [axis({ incrs: wholeSeconds, values: (_, vs) => vs.map(clock) }), axis({ size: 70, values: (_, vs) => vs.map((v) => (v == null ? "" : show(v))) })],
    cursor: { sync: { key: "time" } }, plugins: [stages], ...more,
  });
  const upward = { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] };
  const around = { range: (_, low, high) => [Math.min(low ?? 0, -1) * 1.1, Math.max(high ?? 0, 1) * 1.1] };
  const logarithmic = { distr: 3, range: (_, low, high) => low > 0 ? uPlot.rangeLog(low, high, 10, false) : [1, 10] };
  const byPercentile = (list, show, scale) => {
    const marks = innerWidth < 700 ? [1, 10, 100, 1000, 10000] : [1, 2, 4, 10, 20, 100, 1000, 10000];
    return {
      scales: { x: { time: false, distr: 3, range: () => [1, 10000] }, y: scale },
      series: [{ label: "percentile", value: (_, v) => share(v) }, ...series(list, show).slice(1)],
      axes: [axis({ splits: () => marks, filter: (_, s) => s, values: (_, vs) => vs.map(share) }), axis({ size: 70, values: (_, vs) => vs.map((v) => (v == null ? "" : show(v))) })],
    };
  };

  const column = (name) => data.columns[name];
  const charts = {
    rate: () => {
      const known = [["offered", "offered", "--c6", { ...step, dash: [6, 4] }], ["sent", "sent", "--c1", step], ["ok", "ok", "--c2", step], ["throttled", "throttled", "--c3", step],
        ["errors", "errors", "--c4", step], ["missed", "missed", "--c5", step]].filter(([name]) => column(name));
      return [overTime(known.map(([, ...rest]) => rest), plain, upward), [column("second"), ...known.map(([name]) => column(name))]];
    },
    times: () => {
      const known = [["response_p99_us", "response p99", "--c3"], ["response_p50_us", "response p50", "--c1"], ["service_p99_us", "service p99", "--c4", { dash: [5, 4] }],
        ["service_p50_us", "service p50", "--c2", { dash: [5, 4] }]].filter(([name]) => column(name));
      return [overTime(known.map(([, ...rest]) => rest), time, logarithmic), [column("second"), ...known.map(([name]) => column(name))]];
    },
    throttles: () => {
      const known = [["throttled_quota", "quota", "--c3", step], ["throttled_ramp", "ramp", "--c4", step], ["throttled_service", "service", "--c5", step]].filter(([name]) => column(name));
      return [overTime(known.map(([, ...rest]) => rest), plain, upward), [column("second"), ...known.map(([name]) => column(name))]];
    },
    flight: () => [overTime([["in flight", "--c1", step]], plain, upward), [column("second"), column("in_flight")]],
    spectrum: () => {
      const hues = ["--c1", "--c3", "--c2", "--c4", "--c5", "--c6"];
      const list = data.spectrum.series.map(({ label }, i) => [label, hues[i % hues.length]]);
      return [byPercentile(list, time, logarithmic), [data.spectrum.at, ...data.spectrum.series.map(({ us }) => us)]];
    },
  };

  // The charts of a comparison: each side has a hue, the second of two figures is dashed.
  const units = { count: [plain, upward], time: [time, logarithmic], change: [change, around] };
  const sides = ({ over, unit, at, series: list }) => {
    const [show, scale] = units[unit];
    const styled = list.map(({ label, hue, dash }) => [label, hue, { ...(unit === "count" ? step : {}), ...(dash ? { dash: [5, 4] } : {}) }]);
    return [(over === "time" ? overTime : byPercentile)(styled, show, scale), [at, ...list.map(({ values }) => values)]];
  };

  let drawn = [];
  const draw = () => {
    drawn.forEach((chart) => chart.destroy());
    drawn = [...document.querySelectorAll("[data-chart]")].map((place) => {
      const [options, values] = data.charts ? sides(data.charts[place.dataset.chart]) : charts[place.dataset.chart]();
      const chart = new uPlot({ width: place.clientWidth, height: 260, ...options }, values, place);
      chart.root.querySelector("canvas").setAttribute("role", "img");
      chart.root.querySelector("canvas").setAttribute("aria-label", place.dataset.says);
      return chart;
    });
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 150); });
})();
