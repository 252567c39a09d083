import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseChallenge } from "./auth/challenge-reader.js";
import { UdpPhone, type WireRequest, wireText } from "./support/udp-phone.js";

const EXAMPLES = join(import.meta.dirname, "..", "examples");

/** An example while it runs. */
interface Example {
  readonly child: ChildProcess;
  /** Port by transport, as it said. */
  readonly ports: Readonly<Record<string, number>>;
  /** All it has printed. */
  printed(): string;
  /** Sends a signal and waits for its end; the exit status, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

/** Runs an example as its first lines say, and waits until it listens. */
async function run(file: string, ...args: string[]): Promise<Example> {
  const child = spawn(process.execPath, [join(EXAMPLES, file), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  endings.push(() => child.kill("SIGKILL"));
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  let printed = "";
  const listening = new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer): void => {
      printed += chunk.toString("utf8");
      if (/^listening on .*\n/m.test(printed)) resolve();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", reject);
    void ended.then(() => reject(new Error(`${file} ended before it listened:\n${printed}`)));
  });
  await listening;
  const ports = Object.fromEntries(
    [...printed.matchAll(/(udp|tcp):127\.0\.0\.1:(\d+)/g)].map(([, transport, port]) => [
      transport,
      Number(port),
    ]),
  );
  return {
    child,
    ports,
    printed: () => printed,
    async end(signal) {
      child.kill(signal);
      const [status, killedBy] = await ended;
      return status ?? killedBy ?? "unknown";
    },
  };
}

async function openPhone(example: Example): Promise<UdpPhone> {
  const phone = await UdpPhone.open(example.ports.udp!);
  endings.push(() => phone.close());
  return phone;
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "examples/registrar.mjs serves phones of two domains, until %s",
  async (signal) => {
    const example = await run("registrar.mjs", "0");
    const phone = await openPhone(example);
    const contact = `sip:alice@127.0.0.1:${phone.port}`;
    const alice = { aor: "sip:alice@example.com", contact, callId: "alice" };

    const registered = await phone.register({ ...alice, cseq: 1, expiresSec: 600 });
    expect(registered.status).toBe(200);
    expect(registered.headers.all("contact")).toEqual([`<${contact}>;expires=60`]);
    const brief = await phone.register({ ...alice, cseq: 2, expiresSec: 5 });
    expect(brief.status).toBe(423);
    expect(brief.headers.get("min-expires")).toBe("10");
    const bob = { aor: "sip:bob@example.org", contact, callId: "bob", cseq: 1 };
    expect((await phone.register(bob)).status).toBe(200);
    const stranger = { aor: "sip:eve@evilexample.com", contact, callId: "eve", cseq: 1 };
    expect((await phone.register(stranger)).status).toBe(404);

    const connection = connect(example.ports.tcp!, "127.0.0.1");
    endings.push(() => connection.destroy());
    connection.write(wireText({ aor: alice.aor, callId: "query", cseq: 1 }, "TCP", 5060));
    const [answer] = (await once(connection, "data")) as [Buffer];
    expect(answer.toString("latin1")).toMatch(/^SIP\/2\.0 200 /);
    expect(answer.toString("latin1")).toContain(`Contact: <${contact}>;expires=`);

    expect(await example.end(signal)).toBe(0);
    expect(example.printed()).toContain(`REGISTER from 127.0.0.1:${phone.port}\n`);
    expect(example.printed()).toContain(`alice is at ${contact}\n`);
  },
);

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

/** RFC 7616 §3.4.1 with MD5 and qop=auth: the Authorization line for a challenge. */
function authorization(challenge: string, password: string): string {
  const { realm, nonce } = parseChallenge(challenge);
  const uri = "sip:example.com";
  const answer = md5(
    `${md5(`alice:${realm}:${password}`)}:${nonce}:00000001:0a4f113b:auth:${md5(`REGISTER:${uri}`)}`,
  );
  return (
    `Authorization: Digest username="alice", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
    `response="${answer}", algorithm=MD5, qop=auth, nc=00000001, cnonce="0a4f113b"`
  );
}

/** Registers the way phones do: without credentials, and with some once it is asked for them. @returns both statuses */
async function registerWith(phone: UdpPhone, request: WireRequest, password: string) {
  const challenged = await phone.register(request);
  const line = authorization(challenged.headers.get("www-authenticate") ?? "", password);
  const answer = await phone.register({ ...request, cseq: request.cseq + 1, lines: [line] });
  return { statuses: [challenged.status, answer.status], contacts: answer.headers.all("contact") };
}

test("examples/durable-with-accounts.mjs knows alice by her password, and after a crash where she is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-example-"));
  endings.push(() => rmSync(folder, { recursive: true, force: true }));
  const contact = "sip:alice@127.0.0.1:5099";
  const alice = { aor: "sip:alice@example.com", callId: "alice", expiresSec: 300 };

  const first = await run("durable-with-accounts.mjs", join(folder, "data"), "0");
  const phone = await openPhone(first);
  const refused = await registerWith(phone, { ...alice, contact, callId: "eve", cseq: 1 }, "looking-glass");
  expect(refused).toEqual({ statuses: [401, 401], contacts: [] });
  const accepted = await registerWith(phone, { ...alice, contact, cseq: 1 }, "wonderland");
  expect(accepted).toEqual({ statuses: [401, 200], contacts: [`<${contact}>;expires=300`] });
  expect(await first.end("SIGKILL")).toBe("SIGKILL");

  const second = await run("durable-with-accounts.mjs", join(folder, "data"), "0");
  const asked = await registerWith(await openPhone(second), { ...alice, cseq: 3 }, "wonderland");
  expect(asked).toEqual({
    statuses: [401, 200],
    contacts: [expect.stringMatching(/^<sip:alice@127\.0\.0\.1:5099>;expires=\d+$/)],
  });
  expect(await second.end("SIGTERM")).toBe(0);
});

test("examples/proxy.mjs carries calls and messages to who is registered, and nobody's elsewhere", async () => {
  const example = await run("proxy.mjs", "0");
  const [alice, bob] = [await openPhone(example), await openPhone(example)];
  const aor = "sip:bob@example.com";
  const contact = `sip:bob@127.0.0.1:${bob.port}`;
  expect((await bob.register({ aor, contact, callId: "bob", cseq: 1 })).status).toBe(200);

  const statuses: number[] = [];
  for (const [method, to] of [
    ["MESSAGE", aor],
    ["INVITE", aor],
    ["INVITE", "sip:nobody@example.com"],
    ["INVITE", `sip:x@127.0.0.1:${bob.port}`],
  ] as const) {
    const callId = `call-${statuses.length}`;
    statuses.push((await alice.ask({ method, aor: to, callId, cseq: 1 })).status);
  }
  expect(statuses).toEqual([200, 200, 404, 403]);
  expect(bob.called).toEqual(["MESSAGE", "INVITE"]);

  expect(await example.end("SIGTERM")).toBe(0);
  expect(example.printed()).toContain("2 requests forwarded, 2 refused\n");
});
