// usage: node order.cjs URL KEY DIR USER LOCALE ZONE: a sign-up with consent, and an order, from the official client.
const [url, key, dir, userId, locale, timezone] = process.argv.slice(2);
const load = require('module').createRequire(dir + '/package.json');
const { Analytics } = load('@segment/analytics-node');

const client = new Analytics({ writeKey: key, host: url, maxRetries: 3 });
client.on('error', (error) => {
  console.error(error);
  process.exitCode = 1;
});
client.identify({
  userId,
  traits: { email: `${userId}@example.com`, family_name: '森', given_name: '花' },
  context: { locale, timezone, consent: { categoryPreferences: { after_sales: true } } },
});
client.track({ userId, event: 'Signed Up', properties: { source: 'shop' } });
client.track({
  userId,
  event: 'Order Completed',
  properties: { order_id: `${userId}-1`, total: 27.98, currency: 'USD', cds: 2 },
});
client.closeAndFlush({ timeout: 20000 });
