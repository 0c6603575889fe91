"""usage: python.py URL KEY: a sign-up and an order from the official client for Python, plain and compressed."""

import sys

import segment.analytics as analytics

analytics.host, analytics.write_key = sys.argv[1:3]
failures = []
analytics.on_error = lambda error, items: failures.append(error)

for gzip, user in ((False, "python"), (True, "python-gzip")):
    client = analytics.Client(
        analytics.write_key, host=analytics.host, gzip=gzip, on_error=analytics.on_error, max_retries=0
    )
    client.identify(
        user,
        {"email": f"{user}@example.com", "firstName": "Paula"},
        context={"timezone": "Asia/Tokyo", "locale": "ja-JP"},
    )
    client.track(user, "Order Completed", {"orderId": f"{user}-1", "total": 27.98, "currency": "USD", "cds": 2})
    client.shutdown()

if failures:
    sys.exit(f"not delivered: {failures}")
