import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/message/limits.js";
import type { RequestParts } from "../support/phone.js";
import { stage } from "../support/proxy-stage.js";

const INVITE: RequestParts = { method: "INVITE", uri: "sip:bob@example.com" };

/** Sends one request to a proxy with bob behind it; gives back what alice and bob got. */
async function tryOut(parts: RequestParts, change: (text: string) => string = (text) => text) {
  const on = await stage({ identified: ["alice"] });
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  alice.send(change(alice.write(parts)));
  await on.pass(10);
  return { on, alice, bob };
}

describe("RFC 3261 §16.3 step 2: URI scheme", () => {
  test.each(["tel:+4930123456", "urn:service:sos", "http://example.com", "mailto:bob@example.com"])(
    "%s: 416",
    async (uri) => {
      const { alice, bob } = await tryOut({ ...INVITE, uri });
      expect(alice.statuses).toEqual([416]);
      expect(bob.messages).toEqual([]);
    },
  );

  test.each(["sip:bob@", "sip:bob@example.com:99999", "sip:bob@exa%mple.com", "sip:@example.com"])(
    "malformed %s: 400",
    async (uri) => {
      const { alice } = await tryOut({ ...INVITE, uri, to: "<sip:bob@example.com>" });
      expect(alice.statuses).toEqual([400]);
    },
  );
});

describe("§16.3 step 3: Max-Forwards", () => {
  test.each<[string | null, string]>([
    ["1", "0"],
    ["255", "254"],
    ["070", "69"],
    [null, "70"],
  ])("%s goes on as %s", async (given, expected) => {
    const { bob } = await tryOut({ ...INVITE, maxForwards: given });
    expect(bob.lastRequest("INVITE").headers.all("max-forwards")).toEqual([expected]);
  });

  test.each([
    ["0", 483],
    ["-1", 400],
    ["256", 400],
    ["99999999999999999999", 400],
    ["seventy", 400],
    ["", 400],
    ["70;x=y", 400],
  ])("%s: %i", async (given, status) => {
    const { alice, bob } = await tryOut({ ...INVITE, maxForwards: given });
    expect(alice.statuses).toEqual([status]);
    expect(bob.messages).toEqual([]);
  });

  test.each([
    ["OPTIONS", "sip:192.0.2.1", [], 200],
    ["OPTIONS", "sip:example.com", [], 200],
    ["OPTIONS", "sip:bob@example.com", [], 483],
    ["OPTIONS", "sip:example.net", [], 483],
    ["OPTIONS", "sip:192.0.2.1", ["<sip:bob@192.0.2.3;lr>"], 483],
    ["INVITE", "sip:192.0.2.1", [], 483],
  ])(
    "0 on %s %s by Route %j: %i; what is for us needs no further hop (§11)",
    async (method, uri, routes, status) => {
      const { alice, bob } = await tryOut({ method, uri, routes, maxForwards: "0" });
      expect(alice.statuses).toEqual([status]);
      expect(bob.messages).toEqual([]);
    },
  );
});

describe("§16.3 step 5: Proxy-Require", () => {
  test.each([
    [["foo"], "foo"],
    [["foo, bar", "baz"], "foo, bar, baz"],
    [["Privacy"], "privacy"],
  ])("%j: 420 that names what we lack", async (values, unsupported) => {
    const headers = values.map((value) => ({ name: "Proxy-Require", value }));
    const { alice } = await tryOut({ ...INVITE, headers });
    expect(alice.statuses).toEqual([420]);
    expect(alice.lastResponse().headers.get("unsupported")).toBe(unsupported);
  });

  test("Require is the callee's matter", async () => {
    const { bob } = await tryOut({ ...INVITE, headers: [{ name: "Require", value: "100rel" }] });
    expect(bob.lastRequest("INVITE").headers.get("require")).toBe("100rel");
  });

  test("what some extension handles passes", async () => {
    const on = await stage({ proxy: { proxyExtensions: ["foo"] } });
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request({ ...INVITE, headers: [{ name: "Proxy-Require", value: "FOO" }] });
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
  });
});

describe("§16.3 step 1: what the proxy does not need is not looked at", () => {
  test.each([
    ["Date", "tomorrow"],
    ["Contact", "<<<"],
    ["Content-Type", ";;;"],
    ["Event", ","],
    ["Accept", '"'],
    ["X-Unheard-Of", "\x01\x02"],
  ])("%s: %s goes on as it came", async (name, value) => {
    const { bob } = await tryOut({ ...INVITE, headers: [{ name, value }] });
    const invite = bob.lastRequest("INVITE");
    expect(invite.text).toContain(`\r\n${name}: ${value}\r\n`);
  });

  test("a method that nobody knows goes on", async () => {
    const { alice, bob } = await tryOut({ ...INVITE, method: "FLY" });
    const fly = bob.lastRequest("FLY");
    expect(fly.headers.has("record-route")).toBe(true);
    bob.reply(fly, 200);
    expect(alice.statuses).toEqual([]);
  });
});

describe("hostile Via", () => {
  test("a list on one line keeps its order behind ours", async () => {
    const { alice, bob, on } = await tryOut(INVITE, (text) =>
      text.replace(";rport", ';rport , SIP/2.0/TCP below.example ;branch=z9hG4bKb;x="a,b"'),
    );
    const invite = bob.lastRequest("INVITE");
    expect(invite.headers.list("via")?.slice(1)).toEqual([
      `SIP/2.0/UDP ${alice.address};branch=z9hG4bK-alice-1;received=192.0.2.2;rport=5060`,
      'SIP/2.0/TCP below.example ;branch=z9hG4bKb;x="a,b"',
    ]);
    bob.reply(invite, 200);
    await on.pass(10);
    expect(alice.lastResponse().headers.list("via")).toHaveLength(2);
  });

  test.each([
    ['branch="z9hG4bK quoted"', "a quoted branch"],
    ["branch=z9hG4bK%00%0d%0a", "escapes"],
    [`branch=z9hG4bK${"x".repeat(4000)}`, "four thousand characters"],
    ["branch=1", "an RFC 2543 branch"],
    ["x=y", "no branch at all"],
  ])("%s (%s) is answered", async (branch) => {
    const { alice, bob, on } = await tryOut(INVITE, (text) => text.replace("branch=z9hG4bK-alice-1", branch));
    bob.reply(bob.lastRequest("INVITE"), 486);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 486]);
    const [, below] = bob.lastRequest("INVITE").headers.all("via");
    expect(below).toContain(branch);
  });

  test("blanks where the grammar has them do not shift what is stamped", async () => {
    const { bob } = await tryOut(INVITE, (text) =>
      text.replace(/Via: .*;branch/, "Via: SIP / 2.0 / UDP 192.0.2.2 : 5060 ; branch"),
    );
    const [, below] = bob.lastRequest("INVITE").headers.all("via");
    expect(below).toBe(
      "SIP / 2.0 / UDP 192.0.2.2 : 5060;branch=z9hG4bK-alice-1;received=192.0.2.2;rport=5060",
    );
  });

  test("what a peer says of received and rport itself is overwritten", async () => {
    const { bob } = await tryOut(INVITE, (text) => text.replace(";rport", ";rport=1;received=10.0.0.1"));
    const [, below] = bob.lastRequest("INVITE").headers.all("via");
    expect(below).toMatch(/;received=192\.0\.2\.2;rport=5060$/);
    expect(below).not.toContain("10.0.0.1");
  });
});

describe("hostile tags", () => {
  test.each(["<script>", "a".repeat(2000), "%00", "=?", ""])(
    "From tag %j comes back as it went",
    async (tag) => {
      const { alice, bob, on } = await tryOut({ ...INVITE, from: `<sip:alice@example.com>;x="${tag}"` });
      bob.reply(bob.lastRequest("INVITE"), 486);
      await on.pass(10);
      expect(alice.lastResponse().headers.get("from")).toBe(`<sip:alice@example.com>;x="${tag}"`);
    },
  );
});

describe("hostile Record-Route", () => {
  test.each([
    "<<<",
    "<sip:",
    "sip:x@y, <",
    "<tel:1>",
    ",",
    `<sip:${"a".repeat(4000)};lr>`,
    '"',
    "<sip:us@192.0.2.1;lr>",
  ])("%s goes on behind ours, and the call too", async (value) => {
    const { alice, bob, on } = await tryOut({ ...INVITE, headers: [{ name: "Record-Route", value }] });
    const invite = bob.lastRequest("INVITE");
    expect(invite.headers.all("record-route")).toHaveLength(3);
    expect(invite.headers.all("record-route")[2]).toBe(value);
    bob.reply(invite, 486);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 486]);
  });
});

describe("RFC 5393 §5.3.3: Max-Breadth", () => {
  test.each<[string, number, number]>([
    ["0", 440, 0],
    ["00", 440, 0],
    ["1", 100, 1],
    ["junk", 100, 1],
    ["-1", 100, 1],
  ])("%s: %i", async (value, status, copies) => {
    const { alice, bob } = await tryOut({ ...INVITE, headers: [{ name: "Max-Breadth", value }] });
    expect(alice.statuses).toEqual([status]);
    expect(bob.requests).toHaveLength(copies);
  });
});

describe("§21.5.7: what could not be answered is not forwarded", () => {
  const VIA = "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKfar";
  const ROUTE = "<sip:192.0.2.99;lr>";
  /** So many values of a header field below those that are there, on lines of their own or on one. */
  const below = (name: string, value: string, count: number, shape: "lines" | "list") => (text: string) => {
    const end = text.indexOf("\r\n", text.indexOf("Via:")) + 2;
    const values = Array.from({ length: count }, () => value);
    const added =
      shape === "list"
        ? `${name}: ${values.join(", ")}\r\n`
        : values.map((one) => `${name}: ${one}\r\n`).join("");
    return text.slice(0, end) + added + text.slice(end);
  };

  test.each([
    ["99 Via values", "INVITE", below("Via", VIA, 98, "lines"), true],
    ["100 Via values", "INVITE", below("Via", VIA, 99, "lines"), false],
    ["99 Via values, most on one line", "INVITE", below("Via", VIA, 98, "list"), true],
    ["100 Via values, most on one line", "INVITE", below("Via", VIA, 99, "list"), false],
    ["100 Via values", "MESSAGE", below("Via", VIA, 99, "lines"), false],
    ["98 Record-Route values", "INVITE", below("Record-Route", ROUTE, 98, "lines"), true],
    ["99 Record-Route values", "INVITE", below("Record-Route", ROUTE, 99, "lines"), false],
    ["99 Record-Route values on one line", "INVITE", below("Record-Route", ROUTE, 99, "list"), false],
    [
      "100 Record-Route values, where we add none",
      "MESSAGE",
      below("Record-Route", ROUTE, 100, "lines"),
      true,
    ],
  ] as const)("%s: %s", async (_, method, change, goes) => {
    const { on, alice, bob } = await tryOut({ ...INVITE, method }, change);
    if (goes) {
      bob.reply(bob.lastRequest(method), 200);
      await on.pass(10);
    } else expect(bob.messages).toEqual([]);
    expect(alice.statuses.at(-1)).toBe(goes ? 200 : 513);
  });

  test("an ACK has no answer, and goes on", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    on.bind("bob", alice, { uri: "sip:bob@192.0.2.200", received: "udp:192.0.2.200:5060" });
    const ack = alice.write({ ...INVITE, method: "ACK", to: "<sip:bob@example.com>;tag=b" });
    alice.send(below("Via", VIA, 99, "lines")(ack));
    await on.pass(10);
    expect(alice.statuses).toEqual([]);
    expect(on.network.count("ACK sip:bob@192.0.2.200 ")).toBe(1);
  });

  test("by the limit that the server has", async () => {
    const on = await stage({ limits: { ...DEFAULT_LIMITS, elements: 8 } });
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    for (const [count, branch] of [
      [6, "z9hG4bKfits"],
      [7, "z9hG4bKlong"],
    ] as const)
      alice.send(below("Via", VIA, count, "lines")(alice.write({ ...INVITE, branch })));
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
    expect(alice.statuses).toContain(513);
  });
});
