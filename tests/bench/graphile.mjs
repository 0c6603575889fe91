// A peer of gate 2: graphile-worker with jobs that do nothing, tuned as its own benchmark is: a local queue and batched
// completion. Arguments: the database's address, how many jobs. Prints one measurement as a line of JSON.
import { Logger, makeWorkerUtils, run } from "graphile-worker";

const [connectionString, count] = [process.argv[2], Number(process.argv[3] ?? 100000)];
const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();
for (let made = 0; made < count; made += 1000) {
  await utils.withPgClient((client) =>
    client.query(
      "select graphile_worker.add_job('nothing', json_build_object('n', n)) from generate_series(1, $1::int) n",
      [Math.min(1000, count - made)],
    ),
  );
}
await utils.release();

const cpu = process.cpuUsage();
const start = process.hrtime.bigint();
let done = 0;
let over;
const all = new Promise((resolve) => (over = resolve));
const runner = await run({
  connectionString,
  concurrency: 24,
  preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, connectionString } },
  maxPoolSize: 24,
  // It would tell of every job.
  logger: new Logger(() => () => {}),
  noHandleSignals: true,
  taskList: {
    nothing: async () => {
      done += 1;
      if (done === count) over();
    },
  },
});
await all;
await runner.stop();
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ work: count, seconds, cpu_seconds: (used.user + used.system) / 1e6 }));
process.exit(0);
