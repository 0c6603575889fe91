// The console in a real Chromium, on the demo's data: nothing serious for axe, no breach of the content policy, usable
// by keyboard and without JavaScript. `PICTURES=1` also makes the pictures for the README.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const tabi = process.env.TABI ?? join(target, "debug", "tabi");
const browserPath = process.env.CHROMIUM
  ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const pictures = join(root, "orchestrator/server/pictures");
const START_MS_MAX = 600_000;

let demo, data, base, browser;

// A console that runs already is used as it is: CONSOLE=http://127.0.0.1:8080
before(async () => {
  if (process.env.CONSOLE) base = process.env.CONSOLE;
  else await startDemo();
  browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
}, { timeout: START_MS_MAX });

after(async () => {
  await browser?.close();
  if (demo) {
    const ended = new Promise((done) => demo.once("exit", done));
    demo.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  }
});

async function startDemo() {
  data = await mkdtemp(join(tmpdir(), "tabi-browser-"));
  demo = spawn(tabi, ["demo", "--data", data, "--listen", "127.0.0.1:0"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  base = await new Promise((found, failed) => {
    const hear = (chunk) => {
      said += chunk;
      const url = said.match(/http:\/\/127\.0\.0\.1:\d+(?=\/console)/);
      if (url) found(url[0]);
    };
    demo.stdout.on("data", hear);
    demo.stderr.on("data", hear);
    demo.once("exit", (code) => failed(new Error(`tabi demo ended with ${code}:\n${said}`)));
  });
}

// A page whose every complaint (script errors, breaches of the content policy) is collected.
async function visit(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

async function go(page, path) {
  const answer = await page.goto(base + path, { waitUntil: "load" });
  assert.equal(answer.status(), 200, `${path} gave ${answer.status()}`);
}

// One address of each kind of page, found by following links as a person would.
async function addresses(page) {
  const paths = ["/console", "/console/journeys", "/console/customers", "/console/messages",
    "/console/messages?outcome=any_not_sent", "/console/troubles", "/console/sending", "/console/settings"];
  const first = async (from, selector) => {
    await go(page, from);
    const link = page.locator(selector).first();
    return (await link.count()) ? link.getAttribute("href") : null;
  };
  paths.push(await first("/console/journeys", "table a"));
  paths.push(await first("/console/messages", "table tbody td a[href*='/customers/']"));
  paths.push(await first("/console/messages?outcome=any_sent", "table tbody th a"));
  paths.push(await first("/console/messages?outcome=any_not_sent", "table tbody th a"));
  const inbox = await page.request.get(base + "/console/inbox");
  if (inbox.ok()) paths.push("/console/inbox");
  return paths.filter(Boolean);
}

async function serious(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    // What a frame shows is the customer's mail: not the console's to judge, and closed to scripts.
    iframes: false,
  }));
  return found.violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
}

for (const [lang, colorScheme, width] of [["en", "light", 1280], ["ja", "dark", 1280], ["ja", "light", 390], ["en", "dark", 390]]) {
  test(`axe finds nothing serious: ${lang}, ${colorScheme}, ${width} wide`, async () => {
    const { context, page, complaints } = await visit({ colorScheme, viewport: { width, height: 900 } });
    for (const path of await addresses(page)) {
      await go(page, `${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      assert.deepEqual(await serious(page), [], path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels wider than the window`);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("the keyboard reaches the content first, and every switch of the menu", async () => {
  const { context, page } = await visit();
  await go(page, "/console");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "#main");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  for (const link of await page.locator("nav a").all()) {
    await link.focus();
    const outline = await link.evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.notEqual(outline, "none", await link.textContent());
  }
  assert.equal(await page.locator("nav a[aria-current=page]").count(), 1);
  await context.close();
});

test("without JavaScript: find, read, open, stop, resume", async () => {
  const { context, page } = await visit({ javaScriptEnabled: false });
  await go(page, "/console/messages?outcome=any_sent");
  await page.locator("table tbody th a").first().click();
  const opening = page.locator("form[action$='/open']").first();
  if (await opening.count()) {
    await opening.locator("input[name=reason]").fill("browser test");
    await opening.locator("button").click();
    await page.locator("#content").waitFor();
    await page.locator("#content .tabs a").last().click();
    assert.match(await page.locator("pre.source").first().textContent(), /\S/);
  }
  await go(page, "/console/sending");
  await page.locator("form[action$='/stop'] select").selectOption("channel:sms");
  await page.locator("form[action$='/stop'] input[name=reason]").fill("browser test");
  await page.locator("form[action$='/stop'] button").click();
  await page.locator(".banner.bad", { hasText: "SMS" }).or(page.locator(".banner.bad", { hasText: "sms" })).first().waitFor();
  await page.locator("form[action$='/resume'] button").click();
  assert.equal(await page.locator(".banner.bad").count(), 0);
  await context.close();
});

test("a message's frame runs nothing", async () => {
  const { context, page } = await visit();
  await go(page, "/console/messages?outcome=any_sent&channel=email");
  await page.locator("table tbody th a").first().click();
  const opening = page.locator("form[action$='/open']").first();
  if (await opening.count()) {
    await opening.locator("input[name=reason]").fill("browser test");
    await opening.locator("button").click();
    const frame = page.locator("iframe.mail");
    await frame.waitFor();
    assert.equal(await frame.getAttribute("sandbox"), "");
    const answer = await page.request.get(base + (await frame.getAttribute("src")));
    assert.match(answer.headers()["content-security-policy"], /default-src 'none'.*sandbox/);
  }
  await context.close();
});

test("pictures for the README", { skip: !process.env.PICTURES }, async () => {
  await mkdir(pictures, { recursive: true });
  for (const [lang, colorScheme] of [["en", "light"], ["ja", "light"]]) {
    const { context, page } = await visit({ colorScheme, viewport: { width: 1280, height: 860 } });
    const all = await addresses(page);
    const shots = {
      overview: "/console",
      journey: all.find((path) => /\/journeys\/./.test(path)),
      customer: all.find((path) => /\/customers\/./.test(path)),
      not_sent: "/console/messages?outcome=any_not_sent",
    };
    for (const [name, path] of Object.entries(shots)) {
      if (!path) continue;
      await go(page, `${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      await page.screenshot({ path: join(pictures, `${name}.${lang}.png`) });
    }
    await context.close();
  }
});
