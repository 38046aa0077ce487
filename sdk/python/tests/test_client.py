"""The client against a real server."""

import asyncio
import unittest
from datetime import datetime, timedelta, timezone

from smsfactory import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    Client,
    ConflictError,
    InvalidRequest,
    InvalidSignature,
    NotFound,
    PermissionDenied,
    verify_webhook,
)
from support import FROM, KEY, URL, Scripted


def day_of(quota):
    """The first moment of the day that a quota counts."""
    return (datetime.fromisoformat(quota["resetsAt"]) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.client = Client(*KEY, base_url=URL)
        self.addCleanup(self.client.close)

    def test_a_message_is_sent_and_found_again(self):
        sent = self.client.send_message(to="+18005550120", from_=FROM, body="Hello", reference="order 7", wait=20)
        self.assertIn(sent["status"], ("sent", "delivered"))
        found = self.client.get_message(sent["id"])
        self.assertEqual((found["to"], found["body"], found["reference"]), ("+18005550120", "Hello", "order 7"))

    def test_a_message_that_has_left_is_not_canceled(self):
        sent = self.client.send_message(to="+18005550123", from_=FROM, body="Gone", validity_seconds=600, wait=20)
        with self.assertRaises(ConflictError) as raised:
            self.client.cancel_message(sent["id"])
        self.assertEqual(raised.exception.code, 33109)
        self.assertIn(raised.exception.additional_info["status"], ("sent", "delivered"))

    def test_a_scheduled_message_is_canceled(self):
        time = datetime.now(timezone.utc) + timedelta(hours=1)
        sent = self.client.send_message(to="+18005550124", from_=FROM, body="Later", send_at=time)
        self.assertEqual(sent["status"], "scheduled")
        self.assertEqual(sent["sendAt"][:19], time.isoformat()[:19])
        self.assertIn(sent["id"], [message["id"] for message in self.client.messages(status="scheduled", limit=5)])
        for _ in range(2):
            self.assertEqual(self.client.cancel_message(sent["id"])["status"], "canceled")
        with self.assertRaises(ValueError):
            self.client.send_message(to="+18005550124", from_=FROM, body="Later", send_at=datetime.now())

    def test_a_repeat_under_the_same_key_is_the_same_message(self):
        message = {"to": "+18005550121", "from_": FROM, "body": "Once", "idempotency_key": "python-once"}
        self.assertEqual(self.client.send_message(**message)["id"], self.client.send_message(**message)["id"])
        with self.assertRaises(ConflictError) as raised:
            self.client.send_message(**{**message, "body": "Twice"})
        self.assertEqual(raised.exception.code, 33013)

    def test_two_sends_are_two_messages(self):
        message = {"to": "+18005550122", "from_": FROM, "body": "Each"}
        self.assertNotEqual(self.client.send_message(**message)["id"], self.client.send_message(**message)["id"])

    def test_errors_have_types_and_say_how_to_fix_the_request(self):
        with self.assertRaises(InvalidRequest) as raised:
            self.client.send_message(to="555", from_=FROM, body="Hello")
        error = raised.exception
        self.assertEqual((error.code, error.status, error.additional_info), (33003, 400, {"field": "to"}))
        self.assertTrue(error.more_info.endswith("/page/errors/33003"))
        with self.assertRaises(NotFound):
            self.client.get_message("msg_0000000000000000000000")
        with Client(KEY[0], "sk_live_wrong", base_url=URL) as stranger, self.assertRaises(AuthenticationError):
            stranger.get_message("msg_0000000000000000000000")

    def test_lists_go_on_over_their_pages(self):
        for number in range(3):
            self.client.send_message(to=f"+1800555013{number}", from_=FROM, body="Page", reference="python-pages")
        found = list(self.client.messages(reference="python-pages", limit=1))
        self.assertEqual([message["to"] for message in found], ["+18005550132", "+18005550131", "+18005550130"])

    def test_a_broadcast_is_sent_and_counted(self):
        recipients = ["+18005550140", {"to": "+18005550141"}]
        sent = self.client.send_broadcast(recipients=recipients, from_=FROM, body="All of you")
        self.assertEqual(sent["totalRecipients"], 2)
        self.assertEqual(self.client.get_broadcast(sent["id"])["counts"]["total"], 2)
        self.assertIn(sent["id"], [broadcast["id"] for broadcast in self.client.broadcasts(limit=5)])
        self.assertIn("stopped", self.client.cancel_broadcast(sent["id"]))

    def test_each_recipient_of_a_broadcast_gets_a_text_of_their_own(self):
        recipients = [
            {"to": "+18005550142", "variables": {"name": "Ada"}},
            {"to": "+18005550143", "variables": {"name": "Łukasz"}},
        ]
        sent = self.client.send_broadcast(recipients=recipients, from_=FROM, body="Hi {{name}}", wait=5)
        texts = [message["body"] for message in self.client.messages(broadcastId=sent["id"])]
        self.assertEqual(sorted(texts), ["Hi Ada", "Hi Łukasz"])
        del recipients[1]["variables"]
        with self.assertRaises(InvalidRequest) as raised:
            self.client.send_broadcast(recipients=recipients, from_=FROM, body="Hi {{name}}")
        missing = raised.exception.additional_info["recipients"]
        self.assertEqual((raised.exception.code, missing), (33005, [{"index": 1, "variable": "name"}]))

    def test_an_opt_out_is_set_refuses_and_ends(self):
        number = "+18005550150"
        self.assertEqual(self.client.opt_out(number, reason="asked by phone")["number"], number)
        with self.assertRaises(PermissionDenied) as raised:
            self.client.send_message(to=number, from_=FROM, body="Hello")
        self.assertEqual(raised.exception.additional_info["reason"], "opted_out")
        self.assertEqual([entry["number"] for entry in self.client.opt_outs(number=number)], [number])
        self.client.opt_in(number, reason="signed up again")
        changes = [entry["change"] for entry in self.client.opt_out_history(number)]
        self.assertEqual(changes, ["opted_out", "opted_in"])
        report = self.client.import_opt_outs("number\n+18005550151\nnonsense\n")
        self.assertEqual((report["total"], len(report["invalid"])), (2, 1))

    def counted(self):
        """A message, and the account that has sent it."""
        sent = self.client.send_message(to="+18005550155", from_=FROM, body="Counted", wait=20)
        return sent, self.client.account()

    def test_the_account_sees_its_quota_its_numbers_and_its_usage(self):
        sent, account = self.counted()
        if sent["createdAt"] < day_of(account["quota"]):
            # Midnight has passed in between, and nothing of the new day is used yet.
            sent, account = self.counted()
        self.assertEqual(account["quota"]["used"] + account["quota"]["left"], account["quota"]["limit"])
        self.assertGreater(account["quota"]["used"], 0)
        numbers = {number["number"]: number["capabilities"] for number in self.client.numbers(limit=1)}
        self.assertEqual(numbers[FROM], {"send": True, "receive": True})
        day = sent["createdAt"][:10]
        usage = self.client.usage(from_=day)
        self.assertEqual((usage["from"], usage["by"]), (day, "day"))
        self.assertGreater(sum(row["messages"] for row in usage["data"] if row["day"] == day), 0)
        header, *rows = self.client.usage_csv(from_=day).splitlines()
        self.assertEqual(header, "day,direction,messageType,status,messages,segments")
        self.assertTrue(rows[0].startswith(f"{day},outbound,SMS,"), rows)
        with self.assertRaises(InvalidRequest) as raised:
            self.client.usage(from_="yesterday")
        self.assertEqual(raised.exception.additional_info["field"], "from")

    def test_a_field_that_the_server_does_not_know_is_an_error(self):
        with self.assertRaises(InvalidRequest) as raised:
            self.client.create_webhook("https://example.com/hook", retries=5)
        self.assertEqual((raised.exception.code, raised.exception.additional_info["field"]), (33100, "retries"))
        with self.assertRaises(InvalidRequest) as raised:
            recipients = [{"to": "+18005550156", "name": "Ann"}]
            self.client.send_broadcast(recipients=recipients, from_=FROM, body="Hello")
        self.assertEqual(raised.exception.additional_info["field"], "recipients[].name")

    def test_an_event_is_verified_and_a_changed_one_is_not(self):
        with Scripted((204, {}, b"")) as receiver:
            webhook = self.client.create_webhook(receiver.url + "/hook", events=["messaging.incoming.message.received"])
            self.addCleanup(self.client.remove_webhook, webhook["id"])
            self.assertEqual(self.client.test_webhook(webhook["id"])["httpStatus"], 204)
            _, path, headers, body = receiver.asked.get(timeout=20)
        self.assertEqual(path, "/hook")
        event = verify_webhook(body, headers, webhook["secret"])
        self.assertEqual((event["type"], event["data"]), ("webhook.test", {"webhookId": webhook["id"]}))
        self.assertEqual(self.client.webhook_secret(webhook["id"]), webhook["secret"])
        new = self.client.rotate_webhook_secret(webhook["id"])
        for octets, secret in ((body + b" ", webhook["secret"]), (body, new), (body, "whsec_!")):
            with self.assertRaises(InvalidSignature):
                verify_webhook(octets, headers, secret)
        with self.assertRaises(InvalidSignature):
            verify_webhook(body, headers, webhook["secret"], now=0)
        self.assertFalse(self.client.change_webhook(webhook["id"], active=False)["active"])

    def test_the_asynchronous_client_does_the_same(self):
        async def walk():
            async with AsyncClient(*KEY, base_url=URL) as client:
                sends = (
                    client.send_message(to=f"+1800555016{number}", from_=FROM, body="Async", reference="python-async")
                    for number in range(3)
                )
                await asyncio.gather(*sends)
                return [message["to"] async for message in client.messages(reference="python-async", limit=2)]

        self.assertEqual(sorted(asyncio.run(walk())), ["+18005550160", "+18005550161", "+18005550162"])


class RepeatsTest(unittest.TestCase):
    def setUp(self):
        self.waits = []

    def client(self, server, **settings):
        client = Client("uk_x", "sk_test_x", base_url=server.url, sleep=self.waits.append, **settings)
        self.addCleanup(client.close)
        return client

    def test_a_client_comes_back_when_the_server_says_so_with_the_same_key(self):
        later, done = (503, {"retry-after": "2"}, b'{"code": 33105}'), (201, {}, b'{"id": "msg_1"}')
        with Scripted(later, later, done) as server:
            self.client(server).send_message(to="+18005551234", from_="+18005550100", body="Hello")
            keys = {server.asked.get()[2]["Idempotency-Key"] for _ in range(3)}
        self.assertEqual((self.waits, len(keys)), ([2, 2], 1))

    def test_a_broken_connection_is_tried_again(self):
        with Scripted((None, {}, b""), (201, {}, b'{"id": "msg_1"}')) as server:
            self.client(server).send_message(to="+18005551234", from_="+18005550100", body="Hello")
        self.assertEqual(self.waits, [0.5])

    def test_a_wait_until_midnight_is_the_callers(self):
        with Scripted((429, {"retry-after": "40000"}, b'{"code": 33012, "message": "Daily"}')) as server:
            with self.assertRaises(ApiError) as raised:
                self.client(server).send_message(to="+18005551234", from_="+18005550100", body="Hello")
        self.assertEqual((self.waits, raised.exception.code, raised.exception.retry_after), ([], 33012, 40000))

    def test_an_answer_of_something_between_is_an_error_too(self):
        with Scripted((502, {}, b"<html>Bad gateway</html>")) as server:
            with self.assertRaises(ApiError) as raised:
                self.client(server).get_message("msg_1")
        self.assertEqual((raised.exception.code, raised.exception.status), (0, 502))


if __name__ == "__main__":
    unittest.main()
