// Opens reports in a real browser, light, dark and printed: node checks.mjs CHROMIUM SCREENSHOTS NAME=REPORT.HTML...
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

async function lookAt(page, name) {
  const planned = name.startsWith("planned");
  const charts = await page.locator(planned ? "figure svg" : "[data-chart]").count();
  check(`${name}: there are charts (${charts})`, charts >= 4);
  const drawn = planned
    ? await page.$$eval("figure svg", (all) => all.map((svg) => [...svg.querySelectorAll("polyline, polygon, rect")].some((shape) => shape.getBoundingClientRect().width > 50)))
    : await page.$$eval("[data-chart] canvas", (all, isDrawn) => all.map(new Function(`return ${isDrawn}`)()), isDrawn.toString());
  check(`${name}: every chart is drawn`, drawn.length === charts && drawn.every(Boolean), JSON.stringify(drawn));
  const verdict = await page.locator("header .word").innerText();
  const compared = name.startsWith("compared");
  const verdicts = planned
    ? ["ENOUGH", "NOT ENOUGH", "UNSURE"]
    : compared ? ["IMPROVED", "REGRESSED", "UNCHANGED", "INCONCLUSIVE"] : ["PASSED", "FAILED", "NOT TRUSTED"];
  check(`${name}: the result comes first (${verdict})`, verdicts.includes(verdict));
  const [second, what] = planned ? ["DEMAND", "demand"] : compared ? ["Metrics", "metrics"] : ["Thresholds", "thresholds"];
  const headings = await page.locator("h1, h2").allInnerTexts();
  check(`${name}: then the ${what}`, headings[1] === second, headings.join(", "));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(`${name}: nothing sticks out`, wide <= 0, `${wide} px`);
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
  const grave = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  const told = grave.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html).join("; ")}`);
  check(`${name}: axe finds nothing serious (${violations.length - grave.length} lesser findings)`, grave.length === 0, told.join("\n"));
}

const browser = await chromium.launch({ executablePath, args: flags });
try {
  for (const report of reports) {
    const [name, path] = report.split("=");
    for (const [media, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["print", { media: "print" }], ["narrow", { colorScheme: "light" }]]) {
      const title = `${name} ${media}`;
      const page = await browser.newPage({ viewport: { width: media === "narrow" ? 400 : 1200, height: 900 } });
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
      await page.screenshot({ path: `${screenshots}/${name}-${media}.png`, fullPage: true });
      if (media === "print") await page.pdf({ path: `${screenshots}/${name}.pdf` });
      // What axe itself does to the page is no fault of it.
      check(`${title}: the console is silent`, said.length === 0, said.join("; "));
      check(`${title}: nothing is asked of a network`, asked.length === 1 && asked[0] === url, asked.join(", "));
      await accessible(page, title);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
