"""usage: order.py URL KEY USER LOCALE ZONE: a sign-up with consent, and an order, from the official client."""

import sys

import segment.analytics as analytics

url, key, user, locale, zone = sys.argv[1:6]
failures = []
client = analytics.Client(key, host=url, on_error=lambda error, items: failures.append(error), max_retries=3)
context = {"locale": locale, "timezone": zone, "consent": {"categoryPreferences": {"after_sales": True}}}
client.identify(
    user, {"email": f"{user}@example.com", "family_name": "Smith", "given_name": "Ann"}, context=context
)
client.track(user, "Signed Up", {"source": "shop"})
client.track(user, "Order Completed", {"order_id": f"{user}-1", "total": 27.98, "currency": "USD", "cds": 2})
client.shutdown()
if failures:
    sys.exit(f"not delivered: {failures}")
