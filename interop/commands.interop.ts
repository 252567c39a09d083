import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dataWith } from "../test/cli/harness.js";
import { UdpPhone } from "../test/support/udp-phone.js";
import { MAIN, rollcall, type ServerUnderTest, serve } from "./support/server.js";

describe("commands beside a running server, each in a process of its own", () => {
  let server: ServerUnderTest;
  let phone: UdpPhone;
  beforeAll(async () => {
    server = await serve();
    phone = await UdpPhone.open(server.ports.udp!);
  });
  afterAll(async () => {
    phone.close();
    await server.stop();
  });
  const command = (...args: string[]) => rollcall([...args, "--data", server.data]);
  const query = async (cseq: number): Promise<number> =>
    (await phone.register({ aor: "sip:alice@127.0.0.1", callId: "alice", cseq })).headers.count("contact");

  test("what a phone registered is shown, what is removed is gone at once, for both", async () => {
    const contact = "sip:alice@127.0.0.1:5099";
    await phone.register({ aor: "sip:alice@127.0.0.1", contact, expiresSec: 600, callId: "alice", cseq: 1 });
    const shown = JSON.parse((await command("show", "alice@127.0.0.1", "--json")).output);
    expect(shown.contacts).toMatchObject([
      { uri: contact, callId: "alice", cseq: 1, received: `udp:127.0.0.1:${phone.port}` },
    ]);
    expect(shown.contacts[0].expires).toBeGreaterThan(590);
    expect((await command("explain", "alice@127.0.0.1")).output).toContain("registered with one contact");
    expect(await query(2)).toBe(1);
    expect((await command("remove", "alice@127.0.0.1", contact)).status).toBe(0);
    expect(await query(3)).toBe(0);
    expect(await command("show", "alice@127.0.0.1")).toEqual({
      status: 1,
      output: "rollcall: sip:alice@127.0.0.1 is not registered\n",
    });
  });
});

test("a reader that has seen enough ends a dump without a complaint", async () => {
  const data = await dataWith(
    Array.from(
      { length: 2000 },
      (_, i) => [`sip:u${i}@example.com`, { expiresAtMs: Date.now() + 600_000 }] as const,
    ),
  );
  const dump = spawn(process.execPath, [MAIN, "dump", "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  dump.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString("utf8");
  });
  await once(dump.stdout, "data");
  dump.stdout.destroy();
  const [status] = (await once(dump, "close")) as [number | null];
  expect([status, complaints]).toEqual([0, ""]);
});

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s: exit 0 within 5 s, whoever is connected", async (signal) => {
    const server = await serve();
    const phone = connect(server.ports.tcp!, "127.0.0.1");
    phone.on("error", () => {});
    await once(phone, "connect");
    const events = await fetch(`http://127.0.0.1:${server.adminPort}/api/v1/events`);
    expect(events.status).toBe(200);
    const beganMs = Date.now();
    expect(await server.stop(signal)).toBe(0);
    expect(Date.now() - beganMs).toBeLessThan(5_000);
    phone.destroy();
  });

  test("SIGHUP without a configuration file ends nothing", async () => {
    const server = await serve();
    server.child.kill("SIGHUP");
    expect((await fetch(`http://127.0.0.1:${server.adminPort}/readyz`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(server.log.map(({ msg }) => msg)).toContain("configuration reloaded");
  });
});
