import { describe, expect, test } from "vitest";
import { stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:alice@example.com" };

describe("RFC 5393: loops end in a few packets", () => {
  test("a contact that is its own address-of-record: 482 comes back", async () => {
    const on = await stage();
    const [caller, phone] = [on.phone("caller"), on.phone("phone")];
    on.bind("alice", phone, { uri: "sip:alice@example.com" });
    caller.request(INVITE);
    await on.pass(40_000);
    expect(caller.statuses.slice(0, 2)).toEqual([100, 482]);
    expect(on.network.count("INVITE")).toBe(2);
  });

  test("§3: two users who each point to both: at most 10 INVITEs", async () => {
    const on = await stage();
    const [caller, phone] = [on.phone("caller"), on.phone("phone")];
    for (const user of ["a", "b"]) {
      on.bind(user, phone, { uri: "sip:a@example.com", callId: "1" });
      on.bind(user, phone, { uri: "sip:b@example.com", callId: "2" });
    }
    caller.request({ ...INVITE, uri: "sip:a@example.com" });
    await on.pass(40_000);
    expect(caller.statuses.slice(0, 2)).toEqual([100, 482]);
    expect(on.network.count("INVITE")).toBeLessThanOrEqual(10);
  });

  test.each(["MESSAGE", "INVITE"])(
    "§4.2.1: URI parameters that change with each pass make no spiral of a loop: %s",
    async (method) => {
      const on = await stage();
      const [caller, phone] = [on.phone("caller"), on.phone("phone")];
      const users = ["a", "b", "c"];
      for (const user of users) {
        for (const other of users) {
          const uri = `sip:${other}@example.com;from=${user}`;
          if (other !== user) on.bind(user, phone, { uri, callId: other });
        }
      }
      caller.request({ method, uri: "sip:a@example.com" });
      await on.pass(40_000);
      expect(caller.statuses.at(-1)).toBe(482);
      // each way through the three once, and once more where it comes back to one of them
      expect(on.network.count(method)).toBeLessThanOrEqual(1 + 2 + 4 + 4);
    },
  );

  test("a spiral is no loop: another Request-URI goes on", async () => {
    const on = await stage();
    const [caller, phone, desk] = [on.phone("caller"), on.phone("phone"), on.phone("desk")];
    on.bind("alice", phone, { uri: "sip:bob@example.com" });
    on.bind("bob", phone, { uri: "sip:desk@example.com" });
    on.bind("desk", desk);
    caller.request(INVITE);
    await on.pass(20);
    const invite = desk.lastRequest("INVITE");
    expect(invite.headers.get("max-forwards")).toBe("67");
    expect(invite.headers.list("via")).toHaveLength(4);
    desk.reply(invite, 200);
    await on.pass(20);
    expect(caller.statuses).toEqual([100, 200]);
    expect(caller.lastResponse().headers.list("via")).toHaveLength(1);
  });

  test("barred contacts are not called", async () => {
    const on = await stage({ proxy: { barSelf: true } });
    const [caller, phone] = [on.phone("caller"), on.phone("phone")];
    on.bind("alice", phone, { uri: "sip:alice@example.com" });
    on.bind("alice", phone, { uri: "sip:x@192.0.2.1:5060" });
    caller.request(INVITE);
    await on.pass(40_000);
    expect(caller.statuses).toEqual([480]);
    expect(on.network.count("INVITE")).toBe(1);
  });

  test("two proxies that point at each other: Max-Forwards and the mark end it", async () => {
    const on = await stage({ identified: ["caller"] });
    const [caller, other] = [on.phone("caller"), on.phone("other")];
    let bounced = 0;
    other.onRequest = (request) => {
      if (request.method !== "INVITE" || ++bounced > 20) return;
      // sends it back as a proxy would that knows no loops
      const via = `Via: SIP/2.0/UDP ${other.address};branch=z9hG4bKbounce${bounced}\r\n`;
      other.send(request.text.replace("\r\n", `\r\n${via}`));
    };
    caller.request({ method: "INVITE", uri: `sip:x@${other.address}` });
    await on.pass(100);
    expect(bounced).toBe(1);
  });
});
