// What can be done with the page: take data and pictures from it, and see which tables scroll.
(() => {
  const name = (what) => `${document.title} ${what}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const csv = (rows) => rows.map((row) => row.map((cell) => (/[",\n]/.test(cell) ? `"${String(cell).replace(/"/g, '""')}"` : cell)).join(",")).join("\n") + "\n";
  const save = (blob, file) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: file });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  // A page opened from a disk may not be allowed to use the clipboard itself.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      if (!copied) throw new Error("not copied");
    }
  };
  const button = (text, says, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    made.setAttribute("aria-label", says);
    made.addEventListener("click", async () => {
      let done;
      try { done = (await act()) ?? text; } catch { done = "failed"; }
      made.textContent = done;
      setTimeout(() => (made.textContent = text), 1500);
    });
    return made;
  };
  const tools = (title, rows, ...more) => {
    const made = Object.assign(document.createElement("div"), { className: "tools" });
    made.append(
      button("Copy", `Copy the data of ${title}`, async () => (await copy(csv(rows())), "Copied")),
      button("CSV", `Download the data of ${title} as CSV`, () => save(new Blob([csv(rows())], { type: "text/csv" }), `${name(title)}.csv`)),
      ...more,
    );
    return made;
  };

  // A picture: the title, the names of the curves, and the chart as it is on the page.
  const painted = (chart, title) => {
    const source = chart.root.querySelector("canvas");
    const px = devicePixelRatio;
    const out = Object.assign(document.createElement("canvas"), { width: source.width, height: source.height + 50 * px });
    const ctx = out.getContext("2d");
    ctx.fillStyle = livebench.colour("--ground"); ctx.fillRect(0, 0, out.width, out.height);
    ctx.fillStyle = livebench.colour("--text"); ctx.font = `600 ${livebench.font(14 * px)}`; ctx.fillText(title, 8 * px, 18 * px);
    ctx.font = livebench.font(12 * px);
    let x = 8 * px;
    for (const { label, stroke, alpha } of chart.series.slice(1)) {
      ctx.globalAlpha = alpha ?? 1; ctx.fillStyle = typeof stroke === "function" ? stroke() : stroke; ctx.fillRect(x, 32 * px, 14 * px, 4 * px);
      ctx.globalAlpha = 1; ctx.fillStyle = livebench.colour("--text"); ctx.fillText(label, x + 18 * px, 38 * px);
      x += 30 * px + ctx.measureText(label).width;
    }
    ctx.drawImage(source, 0, 50 * px);
    return out;
  };
  // A drawing of the page has its colours from the page's style, which a picture does not know.
  const rendered = async (svg) => {
    const copied = svg.cloneNode(true);
    const { width, height } = svg.viewBox.baseVal;
    copied.setAttribute("width", width); copied.setAttribute("height", height); copied.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const text = new XMLSerializer().serializeToString(copied).replace(/var\((--[a-z0-9]+)\)/g, (_, hue) => livebench.colour(hue));
    const image = new Image();
    image.src = "data:image/svg+xml," + encodeURIComponent(text);
    await image.decode();
    const out = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
    const ctx = out.getContext("2d");
    ctx.fillStyle = livebench.colour("--ground"); ctx.fillRect(0, 0, out.width, out.height);
    ctx.drawImage(image, 0, 0, out.width, out.height);
    return out;
  };
  const png = (title, paint) => button("PNG", `Download ${title} as PNG`, async () => {
    const canvas = await paint();
    await new Promise((done) => canvas.toBlob((blob) => { save(blob, `${name(title)}.png`); done(); }));
  });

  for (const figure of document.querySelectorAll("figure")) {
    const title = figure.querySelector("figcaption").textContent;
    const [place, svg] = [figure.querySelector("[data-chart]"), figure.querySelector("svg")];
    if (place) figure.append(tools(title, () => livebench.rows(place), png(title, () => painted(livebench.chart(place), title))));
    else if (svg) figure.append(tools(title, () => JSON.parse(figure.dataset.rows), png(title, () => rendered(svg))));
  }
  // What is wider than the page says so.
  const hints = [];
  for (const wide of document.querySelectorAll(".wide")) {
    const hint = Object.assign(document.createElement("span"), { className: "hint", textContent: "scroll sideways for more →", hidden: true });
    hints.push(() => (hint.hidden = wide.scrollWidth <= wide.clientWidth + 1));
    const table = wide.querySelector("table");
    if (!table) {
      wide.after(hint);
      continue;
    }
    const rows = () => [...table.rows].map((row) => [...row.cells].map((cell) => (cell.querySelector("svg") ? "" : cell.textContent.trim())));
    const made = tools(wide.getAttribute("aria-label"), rows);
    made.prepend(hint);
    wide.after(made);
  }
  const look = () => hints.forEach((hint) => hint());
  look();
  addEventListener("resize", look);
  document.addEventListener("toggle", look, true);
})();
