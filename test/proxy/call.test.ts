import { expect, test } from "vitest";
import { calleeRoutes, callerRoutes } from "../support/phone.js";
import { stage } from "../support/proxy-stage.js";

test("§16 a call through lookup: INVITE, 180, 200, ACK, BYE, 200", async () => {
  const on = await stage();
  const alice = on.phone("alice");
  const bob = on.phone("bob");
  on.bind("bob", bob);

  alice.request({ method: "INVITE", uri: "sip:bob@example.com", body: "v=0\r\n" });
  await on.pass(10);
  expect(alice.statuses).toEqual([100]);
  const invite = bob.lastRequest("INVITE");
  expect(invite.uri).toBe("sip:bob@192.0.2.3:5060");
  expect(invite.headers.get("max-forwards")).toBe("69");
  expect(invite.headers.list("via")).toHaveLength(2);
  expect(invite.body).toBe("v=0\r\n");

  bob.reply(invite, 180);
  bob.reply(invite, 200, { body: "v=0\r\n" });
  await on.pass(10);
  expect(alice.statuses).toEqual([100, 180, 200]);
  const answer = alice.lastResponse();
  expect(answer.headers.list("via")).toHaveLength(1);
  expect(answer.body).toBe("v=0\r\n");

  const routes = callerRoutes(answer);
  const dialog = { to: answer.headers.get("to") ?? "", uri: bob.contact, routes };
  alice.request({ method: "ACK", ...dialog });
  await on.pass(10);
  const ack = bob.lastRequest("ACK");
  expect(ack.headers.has("route")).toBe(false);
  expect(ack.uri).toBe(bob.contact);

  bob.request({
    method: "BYE",
    uri: alice.contact,
    from: answer.headers.get("to") ?? "",
    to: answer.headers.get("from") ?? "",
    callId: answer.callId,
    routes: calleeRoutes(invite),
  });
  await on.pass(10);
  const bye = alice.lastRequest("BYE");
  expect(bye.headers.has("route")).toBe(false);
  alice.reply(bye, 200);
  await on.pass(10);
  expect(bob.statuses).toEqual([200]);
  expect(on.network.packets).toHaveLength(13);
  await on.pass(40_000);
  expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
  expect(on.clock.pending()).toBe(0);
  expect(on.proxy.counts()).toEqual({ pending: 0, forwarded: 2, refused: 0 });
});
