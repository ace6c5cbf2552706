// The picture of a report: node picture.mjs CHROMIUM REPORT.HTML PICTURE.PNG
// The head of the page and its first chart, as a reader with a wide window sees them.
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, report, picture] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, colorScheme: "light" });
await page.goto(pathToFileURL(report).href);
await page.waitForSelector("[data-chart]");
// Down to the legend of the second chart.
const height = await page.locator(".u-legend").nth(1).evaluate((legend) => Math.ceil(legend.getBoundingClientRect().bottom + window.scrollY + 8));
await page.setViewportSize({ width: 1100, height });
await page.screenshot({ path: picture });
await browser.close();
