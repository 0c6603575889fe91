// What the browser tests share: a Tabi of their own in an empty folder, a browser, and the eyes of axe-core.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const binary = process.env.TABI ?? join(target, "debug", "tabi");
const browserPath = process.env.CHROMIUM
  ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
/// The longest that anything here may take to start, on a machine that has other things to do.
export const START_MS_MAX = 600_000;
/// The longest that a page or a change behind it may take.
export const PATIENCE_MS = 90_000;

export async function launch() {
  return chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
}

// An empty folder, gone when the tests are.
export function folder() {
  return mkdtemp(join(tmpdir(), "tabi-browser-"));
}

// Runs a command to its end; its output, or an error that holds all of it.
export function run(args, options = {}) {
  const { input = "", ...rest } = options;
  return new Promise((done, failed) => {
    const child = execFile(binary, args, { maxBuffer: 64 << 20, ...rest }, (error, stdout, stderr) =>
      error ? failed(new Error(`tabi ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`)) : done(stdout));
    child.stdin.end(input);
  });
}

// Starts a server and waits until it has said `ready`; ends with the tests.
export async function start(args, options, ready) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  const found = await new Promise((found, failed) => {
    const hear = (chunk) => {
      said += chunk;
      const match = said.match(ready);
      if (match) found(match);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => failed(new Error(`tabi ${args[0]} ended with ${code}:\n${said}`)));
  });
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  };
  return { found, stop, said: () => said };
}

export async function remove(path) {
  if (path) await rm(path, { recursive: true, force: true });
}

// Tries until `look` gives something, and says what was waited for where it never does.
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await new Promise((done) => setTimeout(done, 150));
  }
}

// A person at a browser. Every complaint (script errors, breaches of the content policy) is collected.
export async function visitor(browser, base, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints = [];
  // A page that says no on purpose is no complaint.
  const meant = /status of (403|404|409|422)/;
  page.on("console", (message) => {
    if (message.type() === "error" && !meant.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const go = async (path, status = 200) => {
    const answer = await page.goto(base + path, { waitUntil: "load" });
    assert.equal(answer.status(), status, `${path} gave ${answer.status()}`);
  };
  return { context, page, complaints, go };
}

// What axe-core calls serious or critical.
export async function serious(page) {
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

// Nothing serious, nothing wider than the window, and the language that was asked for.
export async function looksRight(page, lang, what) {
  assert.equal(await page.locator("html").getAttribute("lang"), lang, what);
  assert.deepEqual(await serious(page), [], what);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${what} is ${wide} pixels wider than the window`);
  const words = await page.locator("body").innerText();
  assert.doesNotMatch(words, /\b(note|fail|nav|outcome|why|read|field|trouble)-[a-z-]+[a-z]\b/, `${what} shows the key of a word`);
}

// A picture for whoever wants to look: SHOTS=folder.
export async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
}

// A mail server. `mode`: "accept"; "vanish": takes the mail and hangs up without a word, so that nobody knows; "refuse".
export async function mailServer() {
  const server = { mode: "accept", mails: [] };
  const listener = createServer((socket) => {
    let text = "", data = false;
    socket.on("error", () => {});
    socket.write("220 sink ESMTP\r\n");
    socket.on("data", (chunk) => {
      text += chunk;
      for (;;) {
        const end = data ? text.indexOf("\r\n.\r\n") : text.indexOf("\r\n");
        if (end < 0) return;
        const line = text.slice(0, end);
        text = text.slice(end + (data ? 5 : 2));
        if (data) {
          data = false;
          if (server.mode === "vanish") { socket.destroy(); return; }
          if (server.mode === "refuse") { socket.write("550 5.7.1 not wanted\r\n"); continue; }
          server.mails.push(line);
          socket.write("250 2.0.0 taken\r\n");
        } else if (/^EHLO/i.test(line)) socket.write("250-sink\r\n250 8BITMIME\r\n");
        else if (/^DATA/i.test(line)) { data = true; socket.write("354 go on\r\n"); }
        else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
        else socket.write("250 ok\r\n");
      }
    });
  });
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  server.port = listener.address().port;
  server.close = () => listener.close();
  return server;
}
