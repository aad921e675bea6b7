"""A mail server for tests: tells each mail that it took as a line of JSON. `server.py OPTIONS`, which are JSON.

port, cert and key, mode (plain, starttls, tls), user and password, hangs (takes no mail to its end).

Each number that comes in as a line is told again as a mark: what was told before is what had happened until then.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("refused"):
            return "550 there is nobody of this name"
        if address.startswith("later"):
            return "451 come again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if options.get("hangs"):
            tell(hangs=True)
            await asyncio.sleep(3600)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell(
            to=envelope.rcpt_tos,
            sender=envelope.mail_from,
            tls=server.transport.get_extra_info("ssl_object") is not None,
            user=getattr(session, "auth_data", None) is not None,
            headers=[[name, str(value)] for name, value in mail.items()],
            subject=str(mail["subject"]),
            text=mail.get_content(),
        )
        return "250 taken"


def may_come_in(server, session, envelope, mechanism, data):
    wanted = (options["user"].encode(), options["password"].encode())
    return AuthResult(success=(data.login, data.password) == wanted, handled=False, auth_data=data)


async def echo_marks():
    marks = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(marks), sys.stdin)
    async for line in marks:
        tell(mark=int(line))


async def main():
    context = None
    if "cert" in options:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["cert"], options["key"])
    starttls = options.get("mode") == "starttls"
    of_user = {"authenticator": may_come_in, "auth_required": True} if "user" in options else {}
    if of_user and options.get("mode") != "starttls":
        # In a connection that is encrypted from the start it does not see that it is.
        of_user["auth_require_tls"] = False

    def server():
        return SMTP(
            Handler(),
            hostname="mail.example.org",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            enable_SMTPUTF8=True,
            **of_user,
        )

    listening = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", options.get("port", 0), ssl=context if options.get("mode") == "tls" else None
    )
    tell(port=listening.sockets[0].getsockname()[1])
    await asyncio.gather(listening.serve_forever(), echo_marks())


asyncio.run(main())
