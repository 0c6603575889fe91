"""A mail server of other people's making: says its port, then each message as its own parser understands it, in JSON.

usage: mail.py (ends with its standard input)
"""

import asyncio
import email
import email.policy
import json
import sys

from aiosmtpd.smtp import SMTP


def part(found):
    text = found.get_content() if found.get_content_maintype() == "text" else ""
    return {"type": found.get_content_type(), "charset": found.get_content_charset(), "text": text}


class Handler:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        leaves = [found for found in message.walk() if not found.is_multipart()]
        told = {
            "to": envelope.rcpt_tos,
            "type": message.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "parts": [part(found) for found in leaves],
            "defects": [repr(defect) for found in message.walk() for defect in found.defects],
            "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
        }
        print(json.dumps(told), flush=True)
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
