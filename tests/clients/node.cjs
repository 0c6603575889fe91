// usage: node node.cjs URL KEY DIR: a sign-up and an order from both official clients for Node.
const [url, key, dir] = process.argv.slice(2);
const load = require('module').createRequire(dir + '/package.json');
const { Analytics } = load('@segment/analytics-node');
const Old = load('analytics-node');

const person = (client, userId) => {
  client.identify({
    userId,
    traits: { email: `${userId}@example.com`, firstName: 'Nora' },
    context: { timezone: 'Europe/Berlin', locale: 'en-US' },
  });
  client.track({ userId, event: 'Order Completed', properties: { orderId: `${userId}-1`, total: 27.98, currency: 'USD', cds: 2 } });
};

const failed = (what) => (error) => {
  console.error(what, error);
  process.exitCode = 1;
};

(async () => {
  const fresh = new Analytics({ writeKey: key, host: url, maxRetries: 0 });
  fresh.on('error', failed('@segment/analytics-node'));
  person(fresh, 'node-new');
  await fresh.closeAndFlush({ timeout: 5000 });
  const old = new Old(key, { host: url, flushAt: 20, errorHandler: failed('analytics-node') });
  person(old, 'node-old');
  await new Promise((done) => old.flush((error) => (error ? failed('analytics-node')(error) : 0, done())));
})().catch(failed('node'));
