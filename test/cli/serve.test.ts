import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UdpPhone } from "../support/udp-phone.js";
import { rollcall, start, temporaryFolder } from "./harness.js";

const LOOPBACK = ["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--admin", "127.0.0.1:0"];

interface Ready {
  readonly listeners: readonly string[];
  readonly admin: string | null;
}

async function serving(args: readonly string[] = LOOPBACK, data = join(temporaryFolder(), "data")) {
  const server = start([...args, "--data", data]);
  const ready = (await server.logged("ready")) as unknown as Ready;
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    process.emit(signal, signal);
    return server.status;
  };
  return { server, ready, stop, data };
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

describe("serve", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "ready names what was bound; %s ends it with status 0",
    async (signal) => {
      const { ready, stop } = await serving();
      expect(ready.listeners).toEqual([
        expect.stringMatching(/^udp:127\.0\.0\.1:[1-9]\d*$/),
        expect.stringMatching(/^tcp:127\.0\.0\.1:[1-9]\d*$/),
      ]);
      expect(ready.admin).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
      expect((await fetch(`http://${ready.admin}/readyz`)).status).toBe(200);
      expect(await stop(signal)).toBe(0);
      await expect(fetch(`http://${ready.admin}/healthz`)).rejects.toThrow();
      const probe = connect(portOf(ready.listeners[1]!), "127.0.0.1");
      const [error] = (await once(probe, "error")) as [NodeJS.ErrnoException];
      expect(error.code).toBe("ECONNREFUSED");
    },
  );

  test("what libraries print goes to the log, in one line and without a stack, while it runs", async () => {
    const { error } = console;
    const { server, stop } = await serving([...LOOPBACK, "--log-level", "debug"]);
    console.error(new Error("No space left on device\nmore"), 28);
    expect(await server.logged("a library printed")).toMatchObject({ printed: "No space left on device" });
    expect(await stop()).toBe(0);
    expect(console.error).toBe(error);
    expect(server.err()).toBe("");
  });

  test("an account made beside a running server is seen through its admin interface, and the other way round", async () => {
    const { server, ready, stop, data } = await serving();
    await server.logged("open: anybody may register without credentials");
    await rollcall(["user", "add", "alice@example.com", "--password", "secret", "--data", data]);
    await server.logged("closed: there is an account now, so REGISTER needs credentials");
    expect((await fetch(`http://${ready.admin}/api/v1/users/alice@example.com`)).status).toBe(200);
    const made = await fetch(`http://${ready.admin}/api/v1/users/bob@example.com`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: "secret" }),
    });
    expect(made.status).toBe(201);
    expect((await rollcall(["user", "list", "--data", data])).out).toBe(
      "alice@example.com\nbob@example.com\n",
    );
    expect(await stop()).toBe(0);
  });

  test("a phone that registers is counted, shown and told of", async () => {
    const { ready, stop } = await serving();
    const phone = await UdpPhone.open(portOf(ready.listeners[0]!));
    const aor = "sip:alice@127.0.0.1";
    const parts = { aor, contact: "sip:alice@127.0.0.1:5099", callId: "a" };
    expect((await phone.register({ ...parts, cseq: 1, expiresSec: 600 })).status).toBe(200);
    expect((await phone.register({ ...parts, cseq: 2, expiresSec: 5 })).status).toBe(423);
    const metrics = await (await fetch(`http://${ready.admin}/metrics`)).text();
    expect(metrics).toContain('\nrollcall_registrations_total{result="accepted"} 1\n');
    expect(metrics).toContain('\nrollcall_registrations_total{result="refused"} 1\n');
    expect(metrics).toContain('\nrollcall_requests_total{method="REGISTER",status="423"} 1\n');
    expect(metrics).toContain(`\nrollcall_messages_received_total{listener="${ready.listeners[0]}"} 2\n`);
    expect(metrics).toContain("\nrollcall_bindings 1\n");
    expect(metrics).toMatch(/^rollcall_store_commit_seconds_count [1-9]/m);
    expect(metrics).toMatch(/^rollcall_store_commit_changes_sum [1-9]/m);
    const shown = await fetch(`http://${ready.admin}/api/v1/bindings/alice@127.0.0.1`);
    expect(await shown.json()).toMatchObject({
      aor,
      contacts: [{ uri: parts.contact, received: `udp:127.0.0.1:${phone.port}` }],
    });
    phone.close();
    expect(await stop()).toBe(0);
  });

  test("--admin off", async () => {
    const { ready, stop } = await serving(["--listen", "udp:127.0.0.1:0", "--admin", "off"]);
    expect(ready.admin).toBeNull();
    expect(await stop()).toBe(0);
  });
});

describe("what cannot be bound is one line, status 2, and nothing stays", () => {
  test("a UDP port in use", async () => {
    const taken = createSocket("udp4").bind(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address();
    expect(
      await rollcall(["serve", "--listen", `udp:127.0.0.1:${port}`, "--data", join(temporaryFolder(), "d")]),
    ).toEqual({
      status: 2,
      out: "",
      err: `rollcall: cannot listen on 127.0.0.1:${port}: the address is in use (EADDRINUSE)\n`,
    });
    taken.close();
  });

  test("the admin port in use: the SIP listeners are closed again", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const spare = createSocket("udp4").bind(0, "127.0.0.1");
    await once(spare, "listening");
    const sip = spare.address().port;
    await new Promise<void>((resolve) => spare.close(() => resolve()));
    const { status, err } = await rollcall([
      ...["serve", "--listen", `udp:127.0.0.1:${sip}`, "--admin", `127.0.0.1:${port}`],
      ...["--data", join(temporaryFolder(), "d")],
    ]);
    expect([status, err]).toEqual([
      2,
      `rollcall: cannot listen on 127.0.0.1:${port}: the address is in use (EADDRINUSE)\n`,
    ]);
    const again = createSocket("udp4").bind(sip, "127.0.0.1");
    await once(again, "listening");
    again.close();
    taken.close();
  });

  test("an address that this machine does not have", async () => {
    const { status, err } = await rollcall([
      "serve",
      "--listen",
      "tcp:192.0.2.1:0",
      "--data",
      join(temporaryFolder(), "d"),
    ]);
    expect([status, err]).toEqual([
      2,
      "rollcall: cannot listen on 192.0.2.1: this machine has no such address (EADDRNOTAVAIL)\n",
    ]);
  });

  test("a data folder that cannot be", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    const { status, out, err } = await rollcall(["serve", ...LOOPBACK, "--data", join(file, "data")]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toMatch(/^rollcall: the store: [^\n]+\n$/);
  });

  test("bad usage makes no folder", async () => {
    const data = join(temporaryFolder(), "data");
    await rollcall(["serve", "--listen", "tls:127.0.0.1:0", "--data", data]);
    expect(existsSync(data)).toBe(false);
  });
});

describe("SIGHUP", () => {
  test("takes up the configuration; a bad one is told and the old one stays", async () => {
    const folder = temporaryFolder();
    const config = join(folder, "rollcall.yaml");
    const base = "listen: [udp:127.0.0.1:0]\nadmin: 127.0.0.1:0\n";
    writeFileSync(config, `${base}logLevel: info\n`);
    const { server, ready, stop } = await serving(["--config", config]);

    writeFileSync(config, `${base}expires: { min: 60 }\n`);
    process.emit("SIGHUP", "SIGHUP");
    await server.logged("configuration reloaded");

    writeFileSync(config, `${base}expiers: { min: 60 }\n`);
    process.emit("SIGHUP", "SIGHUP");
    const refused = await server.logged("the new configuration is refused; the old one stays");
    expect(refused).toMatchObject({
      level: "error",
      problems: [`${config}:3: unknown key "expiers"; did you mean "expires"?`],
    });
    expect((await fetch(`http://${ready.admin}/readyz`)).status).toBe(200);

    writeFileSync(config, base.replace("udp:127.0.0.1:0", "tcp:127.0.0.1:0"));
    process.emit("SIGHUP", "SIGHUP");
    const fixed = await server.logged("the new configuration is refused; the old one stays");
    expect(fixed.problems).toEqual(["listen cannot change while the server runs; restart it"]);

    writeFileSync(
      config,
      base.replace("127.0.0.1:0\n", "{ listen: 127.0.0.1:0, token: 0123456789abcdef }\n"),
    );
    process.emit("SIGHUP", "SIGHUP");
    await server.logged("configuration reloaded");
    expect((await fetch(`http://${ready.admin}/metrics`)).status).toBe(401);
    const headers = { authorization: "Bearer 0123456789abcdef" };
    expect((await fetch(`http://${ready.admin}/metrics`, { headers })).status).toBe(200);
    expect(await stop()).toBe(0);
  });
});
