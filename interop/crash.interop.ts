import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Entropy } from "../src/port/entropy.js";
import { seededEntropy } from "../src/testing/entropy.js";
import { okTo, UdpPhone, wireText } from "../test/support/udp-phone.js";
import { Load } from "./support/load.js";
import { freePort } from "./support/ports.js";
import { MAIN, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";
import { allOverHttp, dumped, metric } from "./support/views.js";

/** How often the server is killed: a short run unless said otherwise. */
const ROUNDS = Number(process.env.ROLLCALL_CRASH_ROUNDS ?? 15);
const SEED = Number(process.env.ROLLCALL_CRASH_SEED ?? Date.now() % 1_000_000_000);
/** A round is a start, a listing and less than a second of load; on a busy machine each takes longer. */
const ROUND_MS = 15_000;

interface Stage {
  readonly data: string;
  readonly port: number;
  readonly load: Load;
  readonly entropy: Entropy;
}

function start({ data, port }: Stage): Promise<ServerUnderTest> {
  const listen = `udp:127.0.0.1:${port}`;
  return serve({ data, args: ["--listen", listen, "--min-expires", "0"] });
}

/** A server that does not get as far as saying that it is ready, or just so. */
async function killWhileStarting({ data, port, load, entropy }: Stage): Promise<void> {
  const args = ["--data", data, "--listen", `udp:127.0.0.1:${port}`, "--min-expires", "0", "--admin", "off"];
  const child = spawn(process.execPath, [MAIN, "serve", ...args], { stdio: "ignore" });
  load.start();
  await pause(entropy.unit() * 900);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  await load.pause();
}

/** Says what of the store is not as it was acknowledged. */
async function check({ load }: Stage, server: ServerUnderTest): Promise<number> {
  const askedAtMs = Date.now();
  const listing = await allOverHttp(server);
  expect(load.differences(listing, askedAtMs, Date.now())).toEqual([]);
  expect(load.refusals).toEqual([]);
  return load.carriedOut(listing);
}

test(`F1: nothing acknowledged is lost when the server is killed ${ROUNDS} times under load (ROLLCALL_CRASH_SEED=${SEED})`, {
  timeout: 60_000 + ROUNDS * ROUND_MS,
}, async () => {
  const entropy = seededEntropy(SEED);
  const port = await freePort();
  const load = await Load.open({ servers: [port], entropy, aors: 100, phonesPerAor: 3 });
  const stage = { data: join(temporaryFolder(), "data"), port, load, entropy };
  const cut = { underWay: 0, carriedOut: 0, whileStarting: 0 };

  for (let round = 0; round < ROUNDS; round++) {
    if (entropy.unit() < 0.2) {
      await killWhileStarting(stage);
      cut.whileStarting++;
      continue;
    }
    const server = await start(stage);
    cut.carriedOut += await check(stage, server);
    load.start();
    await pause(entropy.unit() * 500);
    expect(await server.stop("SIGKILL")).toBe(-1);
    await load.pause();
    cut.underWay += load.underWay;
  }

  const server = await start(stage);
  await check(stage, server);
  expect(await dumped(server)).toHaveLength((await allOverHttp(server)).length);
  // what the store counts has survived with what it holds, once everything short-lived has expired
  await until(async () => {
    const listing = await allOverHttp(server);
    const bindings = listing.reduce((sum, { contacts }) => sum + contacts.length, 0);
    return (await metric(server, "rollcall_bindings")) === bindings;
  }, 10_000);
  expect(await server.stop()).toBe(0);
  load.close();
  expect(load.acknowledgements).toBeGreaterThan(ROUNDS);
  console.info(
    `${ROUNDS} kills, ${cut.whileStarting} of them while starting; ${load.acknowledgements} REGISTERs acknowledged, ` +
      `${cut.underWay} under way when killed, ${cut.carriedOut} of those found carried out`,
  );
});

test("F1: a binding whose connection died with the server is not called after its restart", async () => {
  const data = join(temporaryFolder(), "data");
  const first = await serve({ data });

  // a phone on TCP, whose Contact names a port where it would take calls from anybody
  let calls = 0;
  const listener = createServer(() => calls++).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const connection = connect(first.ports.tcp!, "127.0.0.1");
  const carol = { aor: "sip:carol@example.com", contact: `sip:carol@127.0.0.1:${port};transport=tcp` };
  connection.write(wireText({ ...carol, callId: "carol", cseq: 1 }, "TCP", 5060));
  const [answer] = (await once(connection, "data")) as [Buffer];
  expect(answer.toString("latin1")).toMatch(/^SIP\/2\.0 200 /);

  const phone = await UdpPhone.open(first.ports.udp!);
  const dave = { aor: "sip:dave@example.com", contact: `sip:dave@127.0.0.1:${phone.port}` };
  expect((await phone.register({ ...dave, callId: "dave", cseq: 1 })).status).toBe(200);

  await first.stop("SIGKILL");
  connection.destroy();
  const second = await serve({ data });
  const caller = await UdpPhone.open(second.ports.udp!);
  const message = { method: "MESSAGE", cseq: 1 };
  expect((await caller.ask({ ...message, aor: dave.aor, callId: "to-dave" })).status).toBe(200);
  expect(phone.called).toEqual(["MESSAGE"]);
  expect((await caller.ask({ ...message, aor: carol.aor, callId: "to-carol" })).status).toBe(480);
  expect(calls).toBe(0);

  // once it has connected again it is called, over its new connection
  const fresh = connect(second.ports.tcp!, "127.0.0.1");
  let heard = "";
  fresh.on("data", (chunk: Buffer) => {
    heard += chunk.toString("latin1");
    const at = heard.indexOf("MESSAGE sip:carol@");
    if (at < 0 || !heard.endsWith("\r\n\r\n")) return;
    fresh.write(okTo(heard.slice(at)));
    heard = "";
  });
  fresh.write(wireText({ ...carol, callId: "carol", cseq: 2 }, "TCP", 5060));
  await until(() => heard.startsWith("SIP/2.0 200 "));
  expect((await caller.ask({ ...message, aor: carol.aor, callId: "to-carol-again" })).status).toBe(200);
  expect(calls).toBe(0);
  expect(await second.stop()).toBe(0);
  for (const end of [phone, caller, listener]) end.close();
  fresh.destroy();
});
