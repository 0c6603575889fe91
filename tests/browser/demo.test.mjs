// The console on the demo's data: nothing serious for axe, no breach of the content policy, usable by keyboard and without
// JavaScript. `PICTURES=1` also makes the pictures for the README.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { START_MS_MAX, folder, launch, looksRight, remove, root, shot, start, visitor } from "./lib.mjs";

const pictures = join(root, "orchestrator/server/pictures");
// Enough for every kind of page; the pictures are taken of the whole demo.
const CUSTOMERS = process.env.PICTURES ? [] : ["--customers", "25"];

let demo, data, base, browser;

// A console that runs already is used as it is: CONSOLE=http://127.0.0.1:8080
before(async () => {
  if (process.env.CONSOLE) base = process.env.CONSOLE;
  else {
    data = await folder();
    const args = ["demo", "--data", data, "--listen", "127.0.0.1:0", ...CUSTOMERS];
    demo = await start(args, { cwd: root }, /http:\/\/127\.0\.0\.1:\d+(?=\/console)/);
    base = demo.found[0];
  }
  browser = await launch();
}, { timeout: START_MS_MAX });

after(async () => {
  await browser?.close();
  await demo?.stop();
  await remove(data);
});

const visit = (options) => visitor(browser, base, options);

// One address of each kind of page, found by following links as a person would.
async function addresses({ page, go }) {
  const paths = ["/console", "/console/journeys", "/console/customers", "/console/messages",
    "/console/messages?outcome=any_not_sent", "/console/inbox", "/console/troubles", "/console/reads", "/console/acts",
    "/console/sending",
    "/console/settings"];
  const first = async (from, selector) => {
    await go(from);
    const link = page.locator(selector).first();
    return (await link.count()) ? link.getAttribute("href") : null;
  };
  paths.push(await first("/console/journeys", "table a"));
  paths.push(await first("/console/messages", "table tbody td a[href*='/customers/']"));
  paths.push(await first("/console/messages?outcome=any_sent", "table tbody th a"));
  paths.push(await first("/console/messages?outcome=any_not_sent", "table tbody th a"));
  return paths.filter(Boolean);
}

for (const [lang, colorScheme, width] of [["en", "light", 1280], ["ja", "dark", 1280], ["ja", "light", 390], ["en", "dark", 390]]) {
  test(`axe finds nothing serious: ${lang}, ${colorScheme}, ${width} wide`, async () => {
    const someone = await visit({ colorScheme, viewport: { width, height: 900 } });
    let n = 0;
    for (const path of await addresses(someone)) {
      await someone.go(`${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      await shot(someone.page, `demo-${lang}-${width}-${n++}`);
      await looksRight(someone.page, lang, path);
    }
    assert.deepEqual(someone.complaints, []);
    await someone.context.close();
  });
}

test("the keyboard reaches the content first, and every switch of the menu", async () => {
  const { context, page, go } = await visit();
  await go("/console");
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

for (const lang of ["en", "ja"]) {
  test(`without JavaScript: the clock moves on, and one stays on the page: ${lang}`, async () => {
    const { context, page, go } = await visit({ javaScriptEnabled: false });
    await go(`/console/journeys?lang=${lang}`);
    const clock = async () => Date.parse(await page.locator(".advance time").getAttribute("datetime"));
    const before = await clock();
    await page.locator(".advance button[value='7']").click();
    await page.locator(".note").waitFor();
    assert.match(page.url(), /\/console\/journeys\?/);
    const moved = (await clock()) - before;
    assert.ok(moved >= 7 * 86_400_000 && moved < 8 * 86_400_000, `it moved by ${moved} ms`);
    await context.close();
  });
}

test("what was not sent is counted whole: the reasons add up to the figure above them", async () => {
  const { context, page, go } = await visit();
  await go("/console?lang=en");
  const number = (text) => Number(text.replaceAll(",", ""));
  const above = number(await page.locator(".figures a[href*='any_not_sent']").innerText());
  const reasons = await page.locator("section[aria-labelledby='h-why'] li .num").allInnerTexts();
  assert.ok(reasons.length > 1, "the demo has more than one reason");
  assert.equal(reasons.map(number).reduce((a, b) => a + b), above);
  await context.close();
});

test("a message's frame runs nothing", async () => {
  const { context, page, go } = await visit();
  await go("/console/messages?outcome=any_sent&channel=email");
  await page.locator("table tbody th a").first().click();
  await page.locator("form[action$='/open'] input[name=reason]").first().fill("browser test");
  await page.locator("form[action$='/open'] button").first().click();
  const frame = page.locator("iframe.mail");
  await frame.waitFor();
  assert.equal(await frame.getAttribute("sandbox"), "");
  const answer = await page.request.get(base + (await frame.getAttribute("src")));
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'.*sandbox/);
  await shot(page, "demo-content");
  await context.close();
});

test("pictures for the README", { skip: !process.env.PICTURES }, async () => {
  await mkdir(pictures, { recursive: true });
  for (const [lang, colorScheme] of [["en", "light"], ["ja", "light"]]) {
    const someone = await visit({ colorScheme, viewport: { width: 1280, height: 860 } });
    const all = await addresses(someone);
    const shots = {
      overview: "/console",
      journey: all.find((path) => /\/journeys\/./.test(path)),
      not_sent: "/console/messages?outcome=any_not_sent",
    };
    for (const [name, path] of Object.entries(shots)) {
      if (!path) continue;
      await someone.go(`${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      await someone.page.screenshot({ path: join(pictures, `${name}.${lang}.png`) });
    }
    await someone.context.close();
  }
});
