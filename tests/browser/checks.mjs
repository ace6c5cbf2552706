// Opens pages in a real browser, wide and narrow, light, dark and printed: node checks.mjs CHROMIUM SCREENSHOTS NAME=REPORT.HTML...
// Prints a line a check and "N passed, 0 failed" at the end.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, screenshots, ...reports] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let [passed, failed] = [0, 0];
const check = (what, holds, more = "") => {
  holds ? passed++ : failed++;
  console.log(`${holds ? "ok    " : "FAILED"} ${what}${holds ? "" : ` ${more}`}`);
};

// Whether anything is drawn: pixels of more than one colour.
const isDrawn = (canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 128) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return colours.size > 2;
};

// What a kind of page begins with, and how many charts it has at least.
const kinds = {
  planned: { words: ["ENOUGH", "NOT ENOUGH", "UNSURE"], first: "Demand", charts: 4 },
  compared: { words: ["IMPROVED", "REGRESSED", "UNCHANGED", "INCONCLUSIVE"], first: "Metrics", charts: 4 },
  probed: { words: ["GUARANTEED", "LIKELY", "INCONCLUSIVE", "NO LIMIT SEEN"], first: "Result", charts: 3 },
  history: { words: ["IMPROVED", "REGRESSED", "UNCHANGED", "INCONCLUSIVE"], first: /, \d+ runs$/, charts: 3, sections: 1 },
  run: { words: ["PASSED", "FAILED", "NOT TRUSTED"], first: "Thresholds", charts: 5 },
};
const kindOf = (name) => kinds[name.split("-")[0].split(" ")[0]] ?? kinds.run;

async function lookAt(page, name) {
  const kind = kindOf(name);
  const planned = kind === kinds.planned;
  const charts = await page.locator(planned ? "figure svg" : "[data-chart]").count();
  check(`${name}: there are charts (${charts})`, charts >= kind.charts);
  const drawn = planned
    ? await page.$$eval("figure svg", (all) => all.map((svg) => [...svg.querySelectorAll("polyline, polygon, rect")].some((shape) => shape.getBoundingClientRect().width > 50)))
    : await page.$$eval("[data-chart] canvas", (all, isDrawn) => all.map(new Function(`return ${isDrawn}`)()), isDrawn.toString());
  check(`${name}: every chart is drawn`, drawn.length === charts && drawn.every(Boolean), JSON.stringify(drawn));
  const verdict = await page.locator("header .word").innerText();
  check(`${name}: the result comes first (${verdict})`, kind.words.includes(verdict));
  const headings = await page.locator("h1, h2").allInnerTexts();
  check(`${name}: then "${kind.first}"`, kind.first instanceof RegExp ? kind.first.test(headings[1]) : headings[1] === kind.first, headings.join(", "));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(`${name}: nothing sticks out`, wide <= 0, `${wide} px`);
  // A script is asked, as a chart that is not in the page's data would be left out silently.
  const untitled = planned ? [] : await page.evaluate(() => {
    const { charts } = JSON.parse(document.getElementById("data").textContent);
    return [...document.querySelectorAll("[data-chart]")].map((place) => place.dataset.chart).filter((kind) => !(charts[kind]?.titles.every(Boolean)));
  });
  check(`${name}: every axis has a title`, untitled.length === 0, untitled.join(", "));
}

// What is too wide for the page says that it scrolls; nothing else does.
async function scrolls(page, name) {
  const silent = await page.$$eval(".wide", (all) => all.filter((wide) => {
    const hint = wide.nextElementSibling.matches(".hint") ? wide.nextElementSibling : wide.nextElementSibling.querySelector(".hint");
    return (wide.scrollWidth > wide.clientWidth + 1) !== !hint.hidden;
  }).map((wide) => wide.getAttribute("aria-label")));
  check(`${name}: what scrolls says so`, silent.length === 0, silent.join(", "));
}

// A series over time does not fall to nothing in its last second.
async function lastSecond(page, name) {
  const falls = await page.evaluate(() => {
    const { columns, charts } = JSON.parse(document.getElementById("data").textContent);
    const values = (of) => (typeof of === "string" ? columns[of] : of);
    const sent = charts.rate?.series.find((s) => s.label === "sent");
    if (!sent) return false;
    const [before, last] = values(sent.values).slice(-3);
    return last * 10 < before;
  });
  check(`${name}: no fall in the last second`, !falls);
}

// Data and pictures can be taken, sections folded, and what was folded is drawn again when it is opened.
async function use(page, name) {
  const figure = page.locator("figure").first();
  const downloaded = async (what) => {
    const [file] = await Promise.all([page.waitForEvent("download"), what.click()]);
    return [file.suggestedFilename(), readFileSync(await file.path())];
  };
  const [picture, bytes] = await downloaded(figure.getByRole("button", { name: "as PNG" }));
  check(`${name}: a chart is a picture (${picture}, ${bytes.length} bytes)`, picture.endsWith(".png") && bytes.length > 2000 && bytes.subarray(1, 4).toString() === "PNG");
  for (const place of [figure, page.locator("main")]) {
    const [table, text] = await downloaded(place.getByRole("button", { name: "as CSV" }).first());
    const rows = text.toString().trim().split("\n");
    check(`${name}: its data is a table (${table}, ${rows.length} rows)`, table.endsWith(".csv") && rows.length > 1 && /\d/.test(rows[1]), rows.slice(0, 2).join(" / "));
  }
  const copy = page.getByRole("button", { name: "Copy the data" }).first();
  await copy.click();
  await page.waitForTimeout(100);
  const said = await copy.innerText();
  check(`${name}: data can be copied`, said === "Copied", said);
  const summary = page.locator("details.section > summary").filter({ has: page.locator("h2") });
  const [sections, open] = [await summary.count(), () => page.locator("details.section[open]").count()];
  for (const one of await summary.all()) await one.click();
  check(`${name}: sections fold (${sections})`, sections >= (kindOf(name).sections ?? 4) && (await open()) === 0);
  for (const one of await summary.all()) await one.click();
  await page.waitForTimeout(200);
  const blank = await page.$$eval("[data-chart]", (all) => all.filter((place) => place.querySelectorAll("canvas").length !== 1).length);
  check(`${name}: what is opened again is drawn once`, (await open()) === sections && blank === 0, `${blank} are not`);
}

// The legend's values are dashes until the mouse is over the chart.
async function hover(page, name) {
  for (const chart of await page.locator("[data-chart]").all()) {
    const kind = await chart.getAttribute("data-chart");
    const over = chart.locator(".u-over");
    await over.scrollIntoViewIfNeeded();
    const box = await over.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.5);
    await page.waitForTimeout(50);
    const values = await chart.locator(".u-legend .u-value").allInnerTexts();
    check(`${name}: ${kind} shows values under the mouse (${values.join(" | ")})`, values.filter((v) => /\d/.test(v)).length >= 2);
  }
  await page.mouse.move(0, 0);
}

async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const told = violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => n.html).join("; ")}`);
  check(`${name}: axe finds nothing`, violations.length === 0, told.join("\n"));
}

const browser = await chromium.launch({ executablePath, args: flags });
try {
  for (const report of reports) {
    const [name, path] = report.split("=");
    for (const [media, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["print", { media: "print" }], ["narrow", { colorScheme: "light" }], ["narrow-dark", { colorScheme: "dark" }]]) {
      const title = `${name} ${media}`;
      const page = await browser.newPage({ viewport: { width: media.startsWith("narrow") ? 390 : 1280, height: 900 }, acceptDownloads: true });
      // A machine that builds something else meanwhile is slow, which is no fault of the page.
      page.setDefaultNavigationTimeout(120_000);
      const [said, asked] = [[], []];
      page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      page.on("request", (request) => asked.push(request.url()));
      await page.emulateMedia(options);
      const url = pathToFileURL(path).href;
      await page.goto(url);
      await lookAt(page, title);
      if (media !== "print") await hover(page, title);
      if (media !== "print") await scrolls(page, title);
      if (kindOf(name) === kinds.run) await lastSecond(page, title);
      await page.screenshot({ path: `${screenshots}/${name}-${media}.png`, fullPage: true });
      if (media === "print") await page.pdf({ path: `${screenshots}/${name}.pdf` });
      // What axe itself does to the page is no fault of it.
      check(`${title}: the console is silent`, said.length === 0, said.join("; "));
      check(`${title}: nothing is asked of a network`, asked.length === 1 && asked[0] === url, asked.join(", "));
      await accessible(page, title);
      if (media === "light" || media === "narrow") await use(page, title);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
