// Everything that can be clicked, on a shop of its own, in a real browser: the first operator, going live, stopping,
// settling, taking in again, bringing back; as a reviewer, who can read and take away and change nothing; in both
// languages, and most of it without JavaScript.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  START_MS_MAX, folder, launch, looksRight, mailServer, remove, run, shot, start, until, visitor,
} from "./lib.mjs";

const ADMIN = { name: "mika", password: "four plain old words" };
const REVIEWER = { name: "rie", password: "read it but do not touch" };
const CARE = `journey: care
title: {en: A hand for big orders, ja: 大口注文のお手伝い}
purpose: onboarding
start:
  event: order_placed
  once_per: order_id
steps:
  - notify: support@example.jp
    text: "Order {event.order_id} wants a call."
`;

let where, server, sink, browser, base, setup, key;
const tabi = (args, input) => run([...args, "--by", ADMIN.name], { cwd: where, input });

before(async () => {
  where = await folder();
  sink = await mailServer();
  await run(["init", where, "--yes", "--brand", "Kumo Coffee", "--countries", "JP,US", "--languages", "en,ja"]);
  await writeFile(join(where, "journeys/care.yaml"), CARE);
  // What customers reach the shop by is not where its people work: the console is opened on this machine, without TLS.
  await writeFile(join(where, "tabi.yaml"),
    `base_url: https://tabi.example.jp\nemail:\n  host: 127.0.0.1\n  port: ${sink.port}\n  tls: none\n`);
  server = await start(["serve", "--listen", "127.0.0.1:0", "--format", "json"], { cwd: where }, /^(\{.*"setup".*\})$/m);
  const told = JSON.parse(server.found[1]);
  base = told.console.replace(/\/console$/, "");
  setup = told.setup;
  key = JSON.parse(await tabi(["key", "create", "shop", "--format", "json"])).key;
  browser = await launch();
}, { timeout: START_MS_MAX });

after(async () => {
  await browser?.close();
  await server?.stop();
  sink?.close();
  await remove(where);
});

// A zone in which it is noon now: nobody's night keeps a message back.
function zoneAtNoon() {
  const east = 12 - new Date().getUTCHours();
  return east === 0 ? "Etc/UTC" : `Etc/GMT${east > 0 ? "-" : "+"}${Math.abs(east)}`;
}

async function post(path, body) {
  const answer = await fetch(base + path, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${key}:`)}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  assert.ok(answer.ok, JSON.stringify(said));
  return said;
}

// Somebody makes an account, and says yes to what there is to say yes to.
async function signUp(user, locale = "en") {
  await post("/v1/batch", { batch: [
    {
      type: "identify", userId: user, messageId: `identify-${user}`,
      traits: { email: `${user}@example.com` },
      context: { locale, timezone: zoneAtNoon(), consent: { categoryPreferences: { onboarding: true } } },
    },
    { type: "track", event: "signed_up", userId: user, messageId: `signed-up-${user}` },
  ] });
}

async function order(user, id, total = "48.00 USD") {
  const properties = { order_id: id, total };
  return post("/v1/batch", { batch: [{ type: "track", event: "Order Completed", userId: user, messageId: `order-${id}`, properties }] });
}

async function messages(...filter) {
  const lines = (await run(["log", "search", ...filter, "--format", "json"], { cwd: where })).trim();
  return lines ? lines.split("\n").map((line) => JSON.parse(line)) : [];
}

// The newest message of a customer, once it has this outcome.
function comesTo(customer, ...outcomes) {
  return until(`${customer}'s message to be ${outcomes.join(" or ")}`, async () =>
    (await messages("--customer", customer)).find((message) => outcomes.includes(message.outcome)));
}

const visit = (options) => visitor(browser, base, options);

async function signIn(options, { name, password }, lang = "en") {
  const someone = await visit(options);
  await someone.go(`/console/sign-in?lang=${lang}`);
  await someone.page.locator("input[name=name]").fill(name);
  await someone.page.locator("input[name=password]").fill(password);
  await someone.page.locator("main button[type=submit]").click();
  // On a small screen the menu is there, behind its switch.
  await someone.page.locator("header.side").waitFor();
  return someone;
}

// What the console says was done.
async function noted(page, words) {
  await page.locator(".note", { hasText: words }).waitFor();
}

const press = (page, action) => page.locator(`form[action$='${action}'] button[type=submit]`).first().click();
const openAll = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

test("the first operator is made with the link that was printed, signs out, mistypes, and signs in", async () => {
  assert.ok(setup.startsWith("http://127.0.0.1:"), `the link leads to where the console listens: ${setup}`);
  const { context, page, go, complaints } = await visit({ javaScriptEnabled: false });
  await page.goto(`${setup}&lang=en`);
  await page.locator("input[name=name]").fill(ADMIN.name);
  await page.locator("input[name=password]").fill(ADMIN.password);
  await page.locator("main button[type=submit]").click();
  await noted(page, "Welcome to Tabi.");
  await press(page, "/sign-out");
  await page.locator("form[action$='/sign-in']").waitFor();
  await page.locator("input[name=name]").fill(ADMIN.name);
  await page.locator("input[name=password]").fill("not these words");
  await page.locator("main button[type=submit]").click();
  await page.locator(".wrong", { hasText: "Name or password is wrong." }).waitFor();
  await page.locator("input[name=password]").fill(ADMIN.password);
  await page.locator("main button[type=submit]").click();
  await page.locator("nav").first().waitFor();
  // The link is used up, and says so.
  await page.goto(setup);
  await page.locator("h1", { hasText: "This link is not good any more" }).waitFor();
  await go("/console");
  await page.locator(".side .languages a[lang=ja]").click();
  await page.locator("h1", { hasText: "概要" }).waitFor();
  await page.locator(".side .languages a[lang=en]").click();
  await page.locator("h1", { hasText: "Overview" }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("people and keys: added, locked out, let in again, revoked", async () => {
  const { context, page, go, complaints } = await signIn({}, ADMIN);
  const add = async ({ name, password }, role) => {
    await openAll(page);
    const form = page.locator("form[action$='/settings/operators']");
    await form.locator("input[name=name]").fill(name);
    await form.locator(`input[name=role][value=${role}]`).check();
    await form.locator("input[name=password]").fill(password);
    await form.locator("button[type=submit]").click();
    await noted(page, "Saved.");
  };
  await go("/console/settings");
  await add(REVIEWER, "reviewer");
  await add({ name: "ken", password: "words of a marketer" }, "marketer");
  await page.locator("tr", { hasText: "ken" }).locator("form[action$='/disable'] button").click();
  await noted(page, "Locked out, on every session.");
  await page.locator("tr", { hasText: "ken" }).locator(".badge", { hasText: "locked out" }).waitFor();
  await openAll(page);
  const form = page.locator("form[action$='/settings/keys']");
  await form.locator("input[name=name]").fill("web shop");
  await form.locator("input[name=kind][value=browser]").check();
  await form.locator("button[type=submit]").click();
  assert.match(await page.locator(".secret pre").innerText(), /^tabi_/);
  await looksRight(page, "en", "a new key");
  await go("/console/settings");
  assert.equal(await page.locator(".secret").count(), 0, "a key is shown once");
  await page.locator("tr", { hasText: "web shop" }).locator("form[action$='/revoke'] button").click();
  await noted(page, "The key was revoked.");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("before going live a message comes to the inbox, and can be read there", async () => {
  const { context, page, go } = await signIn({ javaScriptEnabled: false }, ADMIN, "ja");
  await signUp("hana", "ja");
  await comesTo("hana", "accepted");
  assert.equal(sink.mails.length, 0, "nothing left");
  await go("/console/inbox");
  await page.locator("main table tbody a, main ul a").first().click();
  await page.locator("iframe.mail").waitFor();
  await shot(page, "inbox-item-ja");
  for (const tab of await page.locator(".tabs a").all()) assert.match(await tab.innerText(), /\S/);
  await page.locator(".tabs a[href='?tab=raw']").click();
  await page.locator("pre.source", { hasText: "hana@example.com" }).first().waitFor();
  await context.close();
});

test("going live takes one's own name, and coming back takes a click", async () => {
  const { context, page, go } = await signIn({ javaScriptEnabled: false }, ADMIN);
  const goLive = async (name) => {
    await go("/console/sending");
    await page.locator("form[action$='/go-live'] input[name=confirm]").fill(name);
    await press(page, "/go-live");
  };
  await goLive("somebody");
  await page.locator("h1", { hasText: "That was not your name. Nothing was changed." }).waitFor();
  await page.goBack();
  await page.locator(".banner.calm", { hasText: "Not live yet." }).waitFor();
  await goLive(ADMIN.name);
  await noted(page, "Live. Messages leave this machine from now on.");
  assert.equal(await page.locator(".banner").count(), 0);
  await press(page, "/end-live");
  await noted(page, "Messages go to the development inbox again.");
  await goLive(ADMIN.name);
  await signUp("ben");
  await comesTo("ben", "accepted");
  assert.equal(sink.mails.length, 1);
  await context.close();
});

test("everything that can be stopped is stopped, shown, and resumed", async () => {
  const { context, page, go } = await signIn({ javaScriptEnabled: false }, ADMIN, "ja");
  await go("/console/sending");
  const scopes = await page.locator("select[name=scope] option").evaluateAll((all) => all.map((o) => o.value));
  assert.ok(["all", "channel:email", "journey:welcome", "purpose:onboarding"].every((s) => scopes.includes(s)), `${scopes}`);
  for (const scope of ["channel:email", "journey:welcome", "purpose:onboarding", "all"]) {
    await page.locator("select[name=scope]").selectOption(scope);
    await page.locator("form[action$='/stop'] input[name=reason]").fill("価格の誤り");
    await press(page, "/sending/stop");
    await noted(page, "停止しました。");
  }
  assert.equal(await page.locator(".banner.bad").count(), 4);
  await shot(page, "stopped-ja");
  await signUp("leo");
  for (let left = 4; left > 0; left -= 1) {
    assert.equal((await messages("--customer", "leo", "--sent")).length, 0, "nothing goes while it is stopped");
    await press(page, "/sending/resume");
    await noted(page, "再開しました。");
    assert.equal(await page.locator(".banner.bad").count(), left - 1);
  }
  await context.close();
});

test("what nobody knows is settled by hand: accepted, not accepted, send it again", async () => {
  const { context, page, go, complaints } = await signIn({}, ADMIN);
  sink.mode = "vanish";
  for (const user of ["uma", "ugo", "uli"]) await signUp(user);
  for (const user of ["uma", "ugo", "uli"]) await comesTo(user, "unknown");
  sink.mode = "accept";
  await go("/console/troubles?lang=ja");
  await openAll(page);
  await looksRight(page, "ja", "three unknown ones");
  await shot(page, "unknown-ja");
  await go("/console/troubles?lang=en");
  for (const how of ["accepted", "not_accepted", "send_again"]) {
    await openAll(page);
    const form = page.locator("form[action$='/settle']").first();
    await form.locator(`input[name=how][value=${how}]`).check();
    await form.locator("input[name=reason]").fill("asked the provider");
    await form.locator("button").click();
    await noted(page, "Settled.");
  }
  assert.equal(await page.locator("form[action$='/settle']").count(), 0);
  const outcomes = await until("the one that is sent again", async () => {
    const all = (await Promise.all(["uma", "ugo", "uli"].map((user) => messages("--customer", user)))).flat();
    const outcomes = all.map((message) => message.outcome).sort();
    return outcomes.filter((outcome) => outcome === "accepted").length === 2 && outcomes;
  });
  assert.deepEqual(outcomes, ["accepted", "accepted", "rejected"]);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what was not taken in is taken in once the schema is mended; a notice is seen", async () => {
  const { context, page, go } = await signIn({ javaScriptEnabled: false }, ADMIN);
  await order("ben", "A-1", "very much");
  await order("ben", "B-1");
  await post("/v1/batch", { batch: [{ type: "track", event: "page_liked", userId: "ben", messageId: "like-1", properties: { page: "=1+1" } }] });
  await until("the notice", async () => {
    await go("/console/troubles");
    return page.locator("form[action$='/seen']").count();
  });
  await page.locator("section", { hasText: "Received, not understood yet" }).locator("strong", { hasText: "page_liked" }).waitFor();
  await looksLikeTroubles(page);
  await press(page, "/troubles/replay");
  await page.locator("h1", { hasText: "It was not done:" }).waitFor();
  const schema = join(where, "journeys/schema.yaml");
  const text = await readFile(schema, "utf8");
  const mended = text.replace(/(order_placed:[^]*?total: )money/, "$1text");
  assert.notEqual(mended, text);
  await writeFile(schema, mended);
  await tabi(["deploy", "--note", "totals are text"]);
  await go("/console/troubles");
  await press(page, "/troubles/replay");
  await noted(page, "Taken in.");
  await page.locator("td", { hasText: "Taken in" }).waitFor();
  const notices = await until("both notices", async () => {
    await go("/console/troubles");
    const n = await page.locator("form[action$='/seen']").count();
    return n >= 2 && n;
  });
  for (let left = notices; left > 0; left -= 1) {
    await press(page, "/troubles/seen");
    await noted(page, "Marked as seen.");
    assert.equal(await page.locator("form[action$='/seen']").count(), left - 1);
  }
  await context.close();
});

async function looksLikeTroubles(page) {
  const said = await page.locator("main").innerText();
  for (const word of ["Notices to the team", "Order B-1 wants a call.", "Not taken in"]) assert.ok(said.includes(word), said);
}

test("an earlier release is brought back", async () => {
  const { context, page, go } = await signIn({ javaScriptEnabled: false }, ADMIN, "ja");
  await go("/console/settings");
  const liveId = () => page.locator("tr", { has: page.locator(".badge.good") }).locator("code").innerText();
  const before = await liveId();
  await press(page, "/settings/releases");
  await noted(page, "選んだリリースを再び公開しました。");
  assert.notEqual(await liveId(), before);
  await page.locator("details summary").first().click();
  await shot(page, "settings-ja");
  await context.close();
});

test("a reviewer reads, takes away, and sees who read; every change is refused", async () => {
  // Most of what a reviewer does needs no script; the pictures of it are looked at with one.
  const { context, page, go } = await signIn({ javaScriptEnabled: false, acceptDownloads: true }, REVIEWER, "ja");
  const sent = (await messages("--customer", "hana"))[0];
  await go(`/console/messages/${sent.message}`);
  await page.locator("section", { hasText: "内容はまだ誰も開いていません。" }).first().waitFor();
  await page.locator("form[action$='/open'] input[name=reason]").fill("お問い合わせ 4711");
  await press(page, "/open");
  await page.locator("iframe.mail").waitFor();
  await page.locator(".tabs a").last().click();
  await page.locator("pre.source").first().waitFor();
  await page.locator("section[aria-labelledby='h-reads'] li", { hasText: "お問い合わせ 4711" }).waitFor();
  await shot(page, "message-ja");
  await page.locator("dl.pairs a[href*='/customers/']").first().click();
  await page.locator("h1").waitFor();
  await go("/console/messages");
  await page.locator("details.export summary").click();
  await page.locator("form[action$='/export'] input[name=reason]").fill("月次監査");
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "/export")]);
  const csv = await readFile(await download.path(), "utf8");
  assert.ok(csv.split("\r\n").length > 5 && csv.includes("ben@example.com"), csv);
  await go("/console/reads");
  const said = await page.locator("table").innerText();
  for (const word of [REVIEWER.name, "お問い合わせ 4711", "月次監査", "メッセージの内容", "お客様のページ", "記録の書き出し"]) {
    assert.ok(said.includes(word), `${word}: ${said}`);
  }
  await shot(page, "reads-ja");
  const listed = await run(["log", "reads", "--reader", REVIEWER.name, "--format", "json"], { cwd: where });
  const reads = listed.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([...new Set(reads.map((read) => read.read))].sort(), ["content", "customer", "export", "message"]);
  assert.equal(reads.find((read) => read.read === "content").message, sent.message);
  await go(`/console/acts?by=${encodeURIComponent(REVIEWER.name)}`);
  const acts = await page.locator("table").innerText();
  for (const word of ["メッセージの内容を閲覧", "お問い合わせ 4711", "メッセージ記録を書き出し", "月次監査", "サインイン"]) {
    assert.ok(acts.includes(word), `${word}: ${acts}`);
  }
  await shot(page, "acts-ja");

  // No page offers a change (what is taken away is written down, which a link from elsewhere must not do), and none is made where one is sent all the same, with a good token of this very session.
  for (const path of ["/console", "/console/sending", "/console/troubles", "/console/settings", "/console/messages"]) {
    await go(path);
    const forms = await page.locator("form[method=post]").evaluateAll((all) => all.map((form) => new URL(form.action).pathname));
    const taken = path === "/console/messages" ? ["/console/messages/export"] : [];
    assert.deepEqual(forms, ["/console/sign-out", ...taken], path);
  }
  const token = await page.locator("input[name=csrf]").first().inputValue();
  const before = await run(["operator", "list", "--format", "json"], { cwd: where });
  for (const action of ["sending/stop", "sending/resume", "sending/go-live", "sending/end-live", "sending/release", "settings/keys",
    "settings/keys/revoke", "settings/operators", "settings/operators/disable", "settings/releases", "troubles/settle",
    "troubles/replay", "troubles/seen", "advance"]) {
    const answer = await page.request.post(`${base}/console/${action}`, {
      form: { csrf: token, scope: "all", reason: "x", name: "x", kind: "server", role: "admin", password: "long enough it is", confirm: REVIEWER.name, days: "1" },
      headers: { origin: base }, maxRedirects: 0,
    });
    assert.equal(answer.status(), 403, action);
    assert.match(await answer.text(), /この操作は、ご自分の役割では行えません/, action);
  }
  assert.equal(await run(["operator", "list", "--format", "json"], { cwd: where }), before);
  await context.close();
});

for (const [lang, width] of [["en", 1280], ["ja", 1280], ["en", 390], ["ja", 390]]) {
  test(`every page of the shop looks right: ${lang}, ${width} wide`, async () => {
    const { context, page, go, complaints } = await signIn({ viewport: { width, height: 900 } }, ADMIN, lang);
    const unknown = (await messages("--customer", "uma"))[0];
    const paths = ["/console", "/console/journeys/welcome", "/console/customers", `/console/customers/${unknown.customer}`,
      "/console/messages", `/console/messages/${unknown.message}`, "/console/inbox", "/console/troubles", "/console/reads",
      "/console/acts", "/console/settings", "/console/sending"];
    for (const path of paths) {
      await go(path);
      await openAll(page);
      await shot(page, `shop-${lang}-${width}-${paths.indexOf(path)}`);
      await looksRight(page, lang, path);
    }
    await go("/console/nowhere", 404);
    await looksRight(page, lang, "a page that is not there");
    await page.locator(".button[href='/console']").click();
    if (width < 700) {
      // On a small screen the menu is behind a switch, and leads on.
      await page.locator(".menu-switch").click();
      await page.locator("nav a[href='/console/messages']").click();
      await page.locator("#h-log").waitFor();
      await page.locator(".menu-switch").click();
    }
    await press(page, "/sign-out");
    await page.locator("form[action$='/sign-in']").waitFor();
    await looksRight(page, lang, "signed out");
    await shot(page, `shop-${lang}-${width}-signed-out`);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}
