// A peer of gate 2: pg-boss with jobs that do nothing, 500 fetched and completed at a time by four loops. Arguments: the
// database's address, how many jobs. Prints one measurement as a line of JSON.
import { PgBoss } from "pg-boss";

const [connectionString, count] = [process.argv[2], Number(process.argv[3] ?? 100000)];
const boss = new PgBoss({ connectionString, supervise: false, schedule: false });
await boss.start();
await boss.createQueue("nothing");
for (let made = 0; made < count; made += 1000) {
  await boss.insert("nothing", Array.from({ length: Math.min(1000, count - made) }, (_, n) => ({ data: { n } })));
}
const cpu = process.cpuUsage();
const start = process.hrtime.bigint();
let done = 0;
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (;;) {
      const jobs = await boss.fetch("nothing", { batchSize: 500 });
      if (jobs.length === 0) return;
      await boss.complete("nothing", jobs.map((job) => job.id));
      done += jobs.length;
    }
  }),
);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const used = process.cpuUsage(cpu);
await boss.stop({ graceful: false });
if (done !== count) throw new Error(`${done} of ${count} jobs were done`);
console.log(JSON.stringify({ work: done, seconds, cpu_seconds: (used.user + used.system) / 1e6 }));
process.exit(0);
