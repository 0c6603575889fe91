// The peer of gate 8: handlebars.js rendering a mail of about 8 KB with 8 line items and 60 escaped outputs.
// Prints one measurement as a line of JSON. With `--show`, the mail itself.
import Handlebars from "handlebars";
import { readFileSync } from "node:fs";

const here = new URL("./mail/", import.meta.url);
const data = JSON.parse(readFileSync(new URL("data.json", here), "utf8"));
const mail = Handlebars.compile(readFileSync(new URL("mail.hbs", here), "utf8"), { strict: true });

if (process.argv[2] === "--show") {
  process.stdout.write(mail(data));
} else {
  const count = Number(process.argv[2] ?? 100000);
  let bytes = 0;
  for (let i = 0; i < 5000; i++) bytes += mail(data).length;
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) bytes += mail(data).length;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const used = process.cpuUsage(cpu);
  if (bytes === 0) throw new Error("nothing was rendered");
  console.log(JSON.stringify({ work: count, seconds, cpu_seconds: (used.user + used.system) / 1e6 }));
}
