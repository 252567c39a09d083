import { describe, expect, test } from "vitest";
import type { SipRequest, SipResponse } from "../../src/message/message.js";
import type { Flow } from "../../src/port/leg.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { type ClientHandlers, ClientTransaction } from "../../src/transaction/client.js";
import { TransactionLayer, type TransactionLayerOptions } from "../../src/transaction/layer.js";
import { type ServerHandlers, ServerTransaction } from "../../src/transaction/server.js";
import { Network, type NetworkLeg, udpFlow } from "../support/network.js";
import { lines, requestOf, responseOf } from "../support/texts.js";

const PEER = { address: "192.0.2.9", port: 5070 };

function bench(options: Partial<TransactionLayerOptions> = {}) {
  const clock = manualClock();
  const entropy = seededEntropy(7);
  const network = new Network({ clock, entropy });
  const leg = network.leg("udp", "192.0.2.1", 5060);
  leg.listen({ message() {}, malformed() {}, flowClosed() {} });
  const layer = new TransactionLayer({ clock, entropy, ...options });
  const from = udpFlow(PEER, leg.local);
  return { clock, network, leg, layer, from };
}

interface RequestOptions {
  readonly method?: string;
  readonly branch?: string | null;
  readonly sentBy?: string;
  readonly toTag?: string;
  readonly cseq?: string;
  readonly uri?: string;
}

function request(options: RequestOptions = {}): SipRequest {
  const { method = "INVITE", branch = "z9hG4bKone", sentBy = "phone.example:5070", toTag, uri } = options;
  return requestOf(
    lines(
      `${method} ${uri ?? "sip:bob@example.com"} SIP/2.0`,
      `Via: SIP/2.0/UDP ${sentBy}${branch === null ? "" : `;branch=${branch}`};rport`,
      "From: <sip:alice@example.com>;tag=a",
      `To: <sip:bob@example.com>${toTag === undefined ? "" : `;tag=${toTag}`}`,
      "Call-ID: c1",
      `CSeq: ${options.cseq ?? `1 ${method}`}`,
      "Content-Length: 0",
    ),
  );
}

function response(branch: string, status: number, cseq = "1 INVITE"): SipResponse {
  return responseOf(
    lines(
      `SIP/2.0 ${status} Whatever`,
      `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=${branch}`,
      "From: <sip:alice@example.com>;tag=a",
      "To: <sip:bob@example.com>;tag=b",
      "Call-ID: c1",
      `CSeq: ${cseq}`,
      "Content-Length: 0",
    ),
  );
}

const QUIET: ServerHandlers = { cancelled() {} };

function serve(at: ReturnType<typeof bench>, of: SipRequest, handlers = QUIET): ServerTransaction {
  const transaction = at.layer.server(of, at.leg, at.from, handlers);
  if (!(transaction instanceof ServerTransaction)) throw new Error(transaction);
  return transaction;
}

/** Start lines of what was sent, in order. */
function sent({ network }: ReturnType<typeof bench>): string[] {
  return network.packets.map(({ text }) => text.slice(0, text.indexOf("\r\n")));
}

interface Heard extends ClientHandlers {
  readonly log: string[];
}

function hear(): Heard {
  const log: string[] = [];
  return {
    log,
    response: ({ status }) => void log.push(String(status)),
    failed: (failure) => void log.push(failure),
  };
}

function call(
  at: ReturnType<typeof bench>,
  handlers: ClientHandlers,
  method = "INVITE",
  flow: Flow = at.from,
) {
  const text = request({ method, branch: "z9hG4bKout", sentBy: "192.0.2.1:5060" }).text;
  const transaction = at.layer.client(
    { text, method, branch: "z9hG4bKout" },
    { leg: at.leg, flow },
    handlers,
  );
  if (!(transaction instanceof ClientTransaction)) throw new Error(transaction);
  return transaction;
}

describe("RFC 3261 §17.2.3: matching requests to server transactions", () => {
  test("the same branch, sent-by and method are the same request again", () => {
    const at = bench();
    serve(at, request());
    expect(at.layer.receive(request(), at.leg, at.from)).toBe(true);
    expect(at.layer.counts()).toMatchObject({ servers: 1, retransmissions: 1 });
    expect(sent(at)).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 100 Trying"]);
  });

  test.each<[string, RequestOptions]>([
    ["another branch", { branch: "z9hG4bKtwo" }],
    ["another sent-by host", { sentBy: "other.example:5070" }],
    ["another sent-by port", { sentBy: "phone.example:5071" }],
    ["no sent-by port", { sentBy: "phone.example" }],
    ["another method", { method: "OPTIONS" }],
  ])("%s is another request", (_what, difference) => {
    const at = bench();
    serve(at, request());
    expect(at.layer.receive(request(difference), at.leg, at.from)).toBe(false);
  });

  test("the sent-by host has no case", () => {
    const at = bench();
    serve(at, request());
    expect(at.layer.receive(request({ sentBy: "PHONE.example:5070" }), at.leg, at.from)).toBe(true);
  });

  test("a second transaction of the same request is refused", () => {
    const at = bench();
    serve(at, request());
    expect(at.layer.server(request(), at.leg, at.from, QUIET)).toBe("exists");
  });

  test("the ACK to a non-2xx is absorbed, and ends the retransmissions", () => {
    const at = bench();
    serve(at, request()).respond({ status: 486 });
    at.clock.advance(600);
    expect(at.layer.receive(request({ method: "ACK", toTag: "x" }), at.leg, at.from)).toBe(true);
    at.clock.advance(60_000);
    expect(sent(at)).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here", "SIP/2.0 486 Busy Here"]);
    expect(at.layer.counts().servers).toBe(0);
  });

  test("RFC 6026 §7.1: the ACK to a 2xx with the branch of the INVITE is the user's", () => {
    const at = bench();
    serve(at, request()).respond({ status: 200 });
    expect(at.layer.receive(request({ method: "ACK", toTag: "x" }), at.leg, at.from)).toBe(false);
  });

  test("an ACK for nothing is not ours", () => {
    const at = bench();
    expect(at.layer.receive(request({ method: "ACK" }), at.leg, at.from)).toBe(false);
  });
});

describe("§17.2.3: requests of RFC 2543 elements", () => {
  test.each([null, "1", "z9hg4bkone", "z9hG4bK"])(
    "branch %s: matched by Request-URI, tags, Call-ID, CSeq and Via",
    (branch) => {
      const at = bench();
      serve(at, request({ branch }));
      expect(at.layer.receive(request({ branch }), at.leg, at.from)).toBe(true);
      expect(at.layer.receive(request({ branch, uri: "sip:carol@example.com" }), at.leg, at.from)).toBe(
        false,
      );
      expect(at.layer.receive(request({ branch, toTag: "b" }), at.leg, at.from)).toBe(false);
      expect(at.layer.receive(request({ branch, cseq: "2 INVITE" }), at.leg, at.from)).toBe(false);
      expect(at.layer.receive(request({ branch, sentBy: "other.example" }), at.leg, at.from)).toBe(false);
    },
  );

  test("the ACK is matched by the To tag of our answer", () => {
    const at = bench();
    const invite = request({ branch: null });
    const transaction = serve(at, invite);
    transaction.respond({ status: 486 });
    const stray = request({ branch: null, method: "ACK", toTag: "other" });
    expect(at.layer.receive(stray, at.leg, at.from)).toBe(false);
    const ack = request({ branch: null, method: "ACK", toTag: transaction.toTag });
    expect(at.layer.receive(ack, at.leg, at.from)).toBe(true);
    expect(transaction.state).toBe("confirmed");
  });

  test("the ACK is matched by the To tag of an answer from further on", () => {
    const at = bench();
    const transaction = serve(at, request({ branch: null }));
    const busy = response("whatever", 486);
    transaction.forward(busy.text, busy);
    expect(at.layer.receive(request({ branch: null, method: "ACK", toTag: "b" }), at.leg, at.from)).toBe(
      true,
    );
    expect(transaction.state).toBe("confirmed");
  });

  test("the ACK within a dialog has the tag of its INVITE", () => {
    const at = bench();
    const transaction = serve(at, request({ branch: null, toTag: "b" }));
    transaction.respond({ status: 491 });
    expect(at.layer.receive(request({ branch: null, method: "ACK", toTag: "b" }), at.leg, at.from)).toBe(
      true,
    );
    expect(transaction.state).toBe("confirmed");
  });

  test("the CANCEL finds its INVITE", () => {
    const at = bench();
    let cancelled = 0;
    serve(at, request({ branch: null }), { cancelled: () => void cancelled++ });
    expect(at.layer.receive(request({ branch: null, method: "CANCEL" }), at.leg, at.from)).toBe(true);
    expect(cancelled).toBe(1);
  });
});

describe("§9.2: CANCEL", () => {
  test("is answered 200 with the To tag of the answer to the INVITE, and told to the user", () => {
    const at = bench();
    const heard: string[] = [];
    const transaction = serve(at, request(), { cancelled: (cancel) => void heard.push(cancel.method) });
    expect(at.layer.receive(request({ method: "CANCEL" }), at.leg, at.from)).toBe(true);
    transaction.respond({ status: 487 });
    const answers = at.network.packets.map(({ text }) => responseOf(text));
    expect(answers.map(({ status }) => status)).toEqual([100, 200, 487]);
    expect(answers[1]?.cseq?.method).toBe("CANCEL");
    expect(answers[1]?.toTag).toBe(answers[2]?.toTag);
    expect(heard).toEqual(["CANCEL"]);
  });

  test("after the final response it is answered and changes nothing", () => {
    const at = bench();
    let cancelled = 0;
    serve(at, request(), { cancelled: () => void cancelled++ }).respond({ status: 486 });
    expect(at.layer.receive(request({ method: "CANCEL" }), at.leg, at.from)).toBe(true);
    expect(sent(at)).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here", "SIP/2.0 200 OK"]);
    expect(cancelled).toBe(0);
  });

  test("that matches nothing is not ours", () => {
    const at = bench();
    expect(at.layer.receive(request({ method: "CANCEL" }), at.leg, at.from)).toBe(false);
    expect(sent(at)).toEqual([]);
  });

  test.each(["MESSAGE", "OPTIONS", "SUBSCRIBE", "BYE"])(
    "of a %s that is pending is answered 200, and changes nothing",
    (method) => {
      const at = bench();
      let cancelled = 0;
      const transaction = serve(at, request({ method }), { cancelled: () => void cancelled++ });
      expect(at.layer.receive(request({ method: "CANCEL" }), at.leg, at.from)).toBe(true);
      expect(sent(at)).toEqual(["SIP/2.0 200 OK"]);
      expect(cancelled).toBe(0);
      transaction.respond({ status: 202 });
      expect(sent(at)).toEqual(["SIP/2.0 200 OK", "SIP/2.0 202 Accepted"]);
    },
  );

  test("of a MESSAGE of an RFC 2543 element is answered 200, too", () => {
    const at = bench();
    serve(at, request({ method: "MESSAGE", branch: null }));
    expect(at.layer.receive(request({ method: "CANCEL", branch: null }), at.leg, at.from)).toBe(true);
    expect(sent(at)).toEqual(["SIP/2.0 200 OK"]);
  });

  test("of another branch than that of a pending MESSAGE is not ours", () => {
    const at = bench();
    serve(at, request({ method: "MESSAGE" }));
    const cancel = request({ method: "CANCEL", branch: "z9hG4bKtwo" });
    expect(at.layer.receive(cancel, at.leg, at.from)).toBe(false);
  });
});

describe("server transactions", () => {
  test("answer a retransmission with the last response, whoever made it", () => {
    const at = bench();
    const transaction = serve(at, request());
    const ringing = response("whatever", 180);
    transaction.forward(ringing.text, ringing);
    at.layer.receive(request(), at.leg, at.from);
    transaction.respond({ status: 404 });
    at.layer.receive(request(), at.leg, at.from);
    expect(sent(at).map((line) => line.slice(8, 11))).toEqual(["100", "180", "180", "404", "404"]);
  });

  test("a final response is sent once, whatever the user says afterwards", () => {
    const at = bench();
    const transaction = serve(at, request({ method: "MESSAGE" }));
    transaction.respond({ status: 202 });
    transaction.respond({ status: 500 });
    at.layer.receive(request({ method: "MESSAGE" }), at.leg, at.from);
    expect(sent(at).map((line) => line.slice(8, 11))).toEqual(["202", "202"]);
  });

  test("RFC 3581 §4, §18.2.2: the answer goes to the source port with rport, to the sent-by port without", () => {
    const at = bench();
    serve(at, request());
    const plain = requestOf(
      request({ branch: "z9hG4bKtwo", sentBy: "phone.example:7777" }).text.replace(";rport", ""),
    );
    serve(at, plain);
    expect(at.network.packets.map(({ to }) => to)).toEqual(["192.0.2.9:5070", "192.0.2.9:7777"]);
  });
});

describe("§17.1.3: matching responses to client transactions", () => {
  test("by branch and by the method in CSeq", () => {
    const at = bench();
    const heard = hear();
    call(at, heard);
    expect(at.layer.receive(response("z9hG4bKother", 180), at.leg, at.from)).toBe(false);
    expect(at.layer.receive(response("z9hG4bKout", 200, "1 CANCEL"), at.leg, at.from)).toBe(false);
    expect(at.layer.receive(response("z9hG4bKout", 200, "1 OPTIONS"), at.leg, at.from)).toBe(false);
    expect(heard.log).toEqual([]);
    expect(at.layer.receive(response("z9hG4bKout", 180), at.leg, at.from)).toBe(true);
    expect(heard.log).toEqual(["180"]);
  });

  test("a response without a branch matches nothing", () => {
    const at = bench();
    call(at, hear());
    const bare = responseOf(response("x", 200).text.replace(";branch=x", ""));
    expect(at.layer.receive(bare, at.leg, at.from)).toBe(false);
  });

  test("the CANCEL is a transaction of its own, under the same branch", () => {
    const at = bench();
    const heard = hear();
    const transaction = call(at, heard);
    at.layer.receive(response("z9hG4bKout", 180), at.leg, at.from);
    transaction.cancel("SIP;cause=200");
    transaction.cancel();
    at.clock.advance(600);
    expect(sent(at)).toEqual([
      "INVITE sip:bob@example.com SIP/2.0",
      "CANCEL sip:bob@example.com SIP/2.0",
      "CANCEL sip:bob@example.com SIP/2.0",
    ]);
    expect(requestOf(at.network.packets[1]?.text ?? "").headers.get("reason")).toBe("SIP;cause=200");
    expect(at.layer.receive(response("z9hG4bKout", 200, "1 CANCEL"), at.leg, at.from)).toBe(true);
    at.clock.advance(2000);
    expect(sent(at)).toHaveLength(3);
    expect(heard.log).toEqual(["180"]);
    expect(at.layer.receive(response("z9hG4bKout", 487), at.leg, at.from)).toBe(true);
    expect(heard.log).toEqual(["180", "487"]);
    expect(sent(at).at(-1)).toBe("ACK sip:bob@example.com SIP/2.0");
  });

  test("the same final response again is acknowledged again and not heard again", () => {
    const at = bench();
    const heard = hear();
    call(at, heard);
    at.layer.receive(response("z9hG4bKout", 486), at.leg, at.from);
    at.layer.receive(response("z9hG4bKout", 486), at.leg, at.from);
    expect(heard.log).toEqual(["486"]);
    const acks = at.network.packets.slice(1).map(({ text }) => text);
    expect(acks).toHaveLength(2);
    expect(acks[0]).toBe(acks[1]);
    expect(requestOf(acks[0] ?? "").toTag).toBe("b");
  });

  test("no response: sent again, then a timeout, and nothing is left", () => {
    const at = bench();
    const heard = hear();
    call(at, heard);
    at.clock.advance(40_000);
    expect(sent(at)).toHaveLength(7);
    expect(heard.log).toEqual(["timeout"]);
    expect(at.layer.counts()).toMatchObject({ clients: 0, timeouts: 1 });
    expect(at.layer.receive(response("z9hG4bKout", 200), at.leg, at.from)).toBe(false);
  });
});

describe("§17.1.4, §18.4: transport errors", () => {
  function tcp(at: ReturnType<typeof bench>): Promise<{ leg: NetworkLeg; flow: Flow }> {
    const peer = at.network.leg("tcp", PEER.address, PEER.port);
    peer.listen({ message() {}, malformed() {}, flowClosed() {} });
    const leg = at.network.leg("tcp", "192.0.2.1", 5060);
    leg.listen({ message() {}, malformed() {}, flowClosed: (flow) => at.layer.flowClosed(flow) });
    return Promise.resolve(leg.connect(PEER)).then((flow) => ({ leg, flow }));
  }

  test("a connection that closes fails what waits on it, and nothing else", async () => {
    const at = bench();
    const { leg, flow } = await tcp(at);
    const [lost, other] = [hear(), hear()];
    const text = request().text;
    at.layer.client({ text, method: "INVITE", branch: "z9hG4bKlost" }, { leg, flow }, lost);
    at.layer.client({ text, method: "INVITE", branch: "z9hG4bKkept" }, { leg: at.leg, flow: at.from }, other);
    leg.disconnect(flow);
    expect(lost.log).toEqual(["transport"]);
    expect(other.log).toEqual([]);
    expect(at.layer.counts().clients).toBe(1);
  });

  test("what cannot be sent at all makes no transaction, and its user hears nothing", async () => {
    const at = bench();
    const { leg, flow } = await tcp(at);
    leg.disconnect(flow);
    const heard = hear();
    const made = at.layer.client({ text: "x", method: "INVITE", branch: "z9hG4bKx" }, { leg, flow }, heard);
    expect(made).toBe("flow-dead");
    expect(heard.log).toEqual([]);
    expect(at.layer.counts().clients).toBe(0);
    expect(at.clock.pending()).toBe(0);
  });

  test("a caller whose connection is gone costs no more than its timers", async () => {
    const at = bench();
    const { leg, flow } = await tcp(at);
    const failures: string[] = [];
    const transaction = at.layer.server(request(), leg, flow, {
      cancelled() {},
      failed: (failure) => void failures.push(failure),
    });
    if (!(transaction instanceof ServerTransaction)) throw new Error(transaction);
    leg.disconnect(flow);
    transaction.respond({ status: 486 });
    expect(failures).toEqual(["transport"]);
    at.clock.advance(32_000);
    expect(at.layer.counts().servers).toBe(0);
  });
});

describe("§18.4: the network says that a peer was not reached", () => {
  test("what waits for a first response fails at once, and nothing else does", () => {
    const at = bench();
    const [waiting, ringing, elsewhere] = [hear(), hear(), hear()];
    const way = { leg: at.leg, flow: at.from };
    const other = { leg: at.leg, flow: udpFlow({ address: "192.0.2.9", port: 5071 }, at.leg.local) };
    const text = request().text;
    at.layer.client({ text, method: "INVITE", branch: "z9hG4bKa" }, way, waiting);
    at.layer.client({ text, method: "INVITE", branch: "z9hG4bKout" }, way, ringing);
    at.layer.client({ text, method: "OPTIONS", branch: "z9hG4bKc" }, other, elsewhere);
    at.layer.receive(response("z9hG4bKout", 180), at.leg, at.from);
    at.layer.unreachable(udpFlow(PEER, at.leg.local));
    expect([waiting.log, ringing.log, elsewhere.log]).toEqual([["transport"], ["180"], []]);
    expect(at.layer.counts().clients).toBe(2);
  });
});

test("each final answer is told once, an INVITE's by its first", () => {
  const answers: string[] = [];
  const at = bench({ answered: (method, status) => void answers.push(`${method} ${status}`) });
  const invite = serve(at, request());
  const ok = response("x", 200);
  invite.forward(ok.text, ok);
  invite.forward(ok.text, ok);
  serve(at, request({ method: "MESSAGE" })).respond({ status: 404 });
  serve(at, request({ method: "OPTIONS" })).abandon();
  expect(answers).toEqual(["INVITE 200", "MESSAGE 404"]);
});

test("RFC 6026 §7.2: who is named after the first 2xx hears the further ones", () => {
  const at = bench();
  const [first, later] = [hear(), hear()];
  call(at, { ...first, late: () => later });
  for (const status of [180, 200, 200]) at.layer.receive(response("z9hG4bKout", status), at.leg, at.from);
  expect(first.log).toEqual(["180", "200"]);
  expect(later.log).toEqual(["200"]);
});

describe("bounds", () => {
  test("a full table refuses with 503 and Retry-After, and forgets nothing", () => {
    const at = bench({ maxServers: 1 });
    const transaction = serve(at, request());
    expect(at.layer.server(request({ branch: "z9hG4bKtwo" }), at.leg, at.from, QUIET)).toBe("full");
    const refusal = responseOf(at.network.packets.at(-1)?.text ?? "");
    expect(refusal.status).toBe(503);
    expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThanOrEqual(5);
    expect(at.layer.counts()).toMatchObject({ servers: 1, overloads: 1 });
    expect(at.layer.receive(request(), at.leg, at.from)).toBe(true);
    expect(transaction.state).toBe("proceeding");
  });

  test("within a dialog there is room for an eighth more, so that a call can end", () => {
    const at = bench({ maxServers: 8 });
    for (let i = 0; i < 8; i++) serve(at, request({ branch: `z9hG4bK${i}` }));
    const bye = (branch: string) => request({ method: "BYE", branch, toTag: "b" });
    expect(at.layer.server(request({ branch: "z9hG4bKa" }), at.leg, at.from, QUIET)).toBe("full");
    expect(typeof at.layer.server(bye("z9hG4bKb"), at.leg, at.from, QUIET)).toBe("object");
    expect(at.layer.server(bye("z9hG4bKc"), at.leg, at.from, QUIET)).toBe("full");
  });

  test("a full table of client transactions sends nothing more", () => {
    const at = bench({ maxClients: 1 });
    call(at, hear());
    const heard = hear();
    const made = at.layer.client(
      { text: request().text, method: "INVITE", branch: "z9hG4bKtwo" },
      { leg: at.leg, flow: at.from },
      heard,
    );
    expect(made).toBe("full");
    expect(sent(at)).toHaveLength(1);
  });

  test("close stops every timer", () => {
    const at = bench();
    serve(at, request()).respond({ status: 486 });
    call(at, hear());
    at.layer.close();
    expect(at.clock.pending()).toBe(at.network.packets.length);
    at.clock.advance(1000);
    expect(at.clock.pending()).toBe(0);
    expect(at.layer.counts()).toMatchObject({ servers: 0, clients: 0 });
  });
});
