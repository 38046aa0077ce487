"""A small MMSC made of aiosmtpd, Python's email and smtplib: it takes what is forwarded to it, and answers and reports
as a test wants it. With a certificate it insists on STARTTLS, and uses it."""

import email
import email.policy
import queue
import smtplib
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller

OURS, THEIRS = "mms.ours.example", "mms.peer.example"


CERTIFICATE = """
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = 127.0.0.1
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = critical, CA:FALSE
"""


def make_certificate(directory):
    """A certificate of both sides for themselves, and its key: two files."""
    config, certificate, key = (f"{directory}/{name}" for name in ("openssl.cnf", "certificate.pem", "key.pem"))
    with open(config, "w", encoding="ascii") as file:
        file.write(CERTIFICATE)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-config",
        config,
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class Mm4Mmsc:
    """`judge` says for each MM4_forward.REQ what follows: `smtp`, a reply that refuses the mail; `res`, the code of the
    answer; `report`, the status that is reported. They happen in their order, and what it leaves out does not."""

    def __init__(self, judge, port, talk_back_to, tls=None):
        self.judge, self.port, self.talk_back_to = judge, port, talk_back_to
        self.forwarded, self.answers, self.envelopes, self.failures, self.replies = [], [], [], [], []
        self.work = queue.Queue()
        self.trusted, options = None, {}
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*tls)
            options = {"tls_context": context, "require_starttls": True}
            self.trusted = ssl.create_default_context(cafile=tls[0])
        self.controller = Controller(self, hostname="127.0.0.1", port=port, **options)
        self.controller.start()
        threading.Thread(target=self.talk_back, daemon=True).start()

    def close(self):
        self.work.put(None)
        self.controller.stop()

    async def handle_DATA(self, _server, _session, envelope):
        try:
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.envelopes.append(envelope)
            if mail["X-Mms-Message-Type"] != "MM4_forward.REQ":
                self.answers.append(mail)
                return "250 2.0.0 taken"
            verdict = self.judge(mail)
            if "smtp" in verdict:
                return verdict["smtp"]
            self.forwarded.append(mail)
            self.work.put((mail, verdict))
            return "250 2.0.0 taken"
        except Exception as error:  # pylint: disable=broad-except (whatever it is, the test is told)
            self.failures.append(error)
            raise

    def talk_back(self):
        """Answers and reports over a connection of its own, as MMSCs do."""
        while (job := self.work.get()) is not None:
            forward, verdict = job
            try:
                for what, code in verdict.items():
                    self.bring(self.answer(forward, code) if what == "res" else self.report(forward, code))
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(error)

    def answer(self, forward, code):
        return self.headers("MM4_forward.RES", forward, {"X-Mms-Request-Status-Code": code})

    def report(self, forward, status):
        more = {
            "From": forward["To"],
            "To": forward["From"],
            "X-Mms-Ack-Request": "Yes",
            "X-Mms-MM-Status-Code": status,
        }
        return self.headers("MM4_delivery_report.REQ", forward, more)

    def headers(self, kind, forward, more):
        mail = email.message.EmailMessage(policy=email.policy.SMTP)
        mail["X-Mms-3GPP-MMS-Version"] = "6.10.0"
        mail["X-Mms-Message-Type"] = kind
        mail["X-Mms-Transaction-ID"] = str(forward["X-Mms-Transaction-ID"])
        mail["X-Mms-Message-ID"] = str(forward["X-Mms-Message-ID"])
        mail["Sender"] = f"system@{THEIRS}"
        for name, value in more.items():
            mail[name] = str(value)
        mail.set_content("")
        return mail

    def bring(self, mail):
        with smtplib.SMTP("127.0.0.1", self.talk_back_to, local_hostname=THEIRS, timeout=20) as server:
            if self.trusted:
                server.starttls(context=self.trusted)
            self.replies.append(server.sendmail(f"system@{THEIRS}", [f"system@{OURS}"], mail.as_bytes()))
