import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { seededEntropy } from "../src/testing/entropy.js";
import { UdpPhone } from "../test/support/udp-phone.js";
import { Load } from "./support/load.js";
import { freePort } from "./support/ports.js";
import { type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";
import { allOverHttp, contactsOverHttp, contactsShown } from "./support/views.js";

const AOR = "sip:alice@example.com";

test("A10: two processes on one store never bind more contacts than an address-of-record may have, and keep each that they granted", async () => {
  const most = 4;
  const phones = 16;
  const rounds = 40;
  const data = join(temporaryFolder(), "data");
  const config = join(temporaryFolder(), "rollcall.yaml");
  writeFileSync(
    config,
    `listen: [udp:127.0.0.1:0]\nadmin: 127.0.0.1:0\nlimits: { contactsPerAor: ${most} }\n`,
  );
  const servers = await Promise.all([1, 2].map(() => serve({ data, args: ["--config", config] })));
  const lines = await Promise.all(servers.map(({ ports }) => UdpPhone.open(ports.udp!)));

  /** Contacts that the registrar has granted, up to the moment at which their phone asks to take them away. */
  const held = new Set<string>();
  const outcomes = { granted: 0, refused: 0 };
  const live = async (number: number): Promise<void> => {
    const contact = `sip:phone${number}@127.0.0.1:${6000 + number}`;
    const callId = `phone-${number}`;
    let cseq = 0;
    const register = (expiresSec: number) => {
      cseq++;
      return lines[(number + cseq) % 2]!.register({ aor: AOR, contact, callId, cseq, expiresSec });
    };
    for (let round = 0; round < rounds; round++) {
      const answer = await register(600);
      expect([200, 403]).toContain(answer.status);
      if (answer.status === 403) {
        outcomes.refused++;
        continue;
      }
      outcomes.granted++;
      held.add(contact);
      expect(held.size).toBeLessThanOrEqual(most);
      // the other process shows it at once, and no more than there may be
      cseq++;
      const other = await lines[(number + cseq) % 2]!.register({ aor: AOR, callId: `${callId}-query`, cseq });
      const bound = other.headers.all("contact").map((value) => value.slice(1, value.indexOf(">")));
      expect(bound).toContain(contact);
      expect(bound.length).toBeLessThanOrEqual(most);
      if (round === rounds - 1) return;
      held.delete(contact);
      expect((await register(0)).status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: phones }, (_, number) => live(number)));

  expect(outcomes.granted).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(0);
  const bound = (await contactsOverHttp(servers[0]!, AOR)).map(({ uri }) => uri).sort();
  expect(bound).toEqual([...held].sort());
  expect((await contactsShown(servers[1]!, AOR)).map(({ uri }) => uri).sort()).toEqual(bound);
  for (const line of lines) line.close();
  expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0]);
});

test("F5: the death of one of two processes on one store stops nobody else, and loses nothing that either acknowledged", async () => {
  const seed = Date.now() % 1_000_000_000;
  const entropy = seededEntropy(seed);
  const data = join(temporaryFolder(), "data");
  const ports = [await freePort(), await freePort()];
  const start = (port: number): Promise<ServerUnderTest> =>
    serve({ data, args: ["--listen", `udp:127.0.0.1:${port}`, "--min-expires", "0"] });
  const servers = await Promise.all(ports.map(start));
  const load = await Load.open({ servers: ports, entropy, aors: 12, phonesPerAor: 3 });
  load.start();
  for (let round = 0; round < 3; round++) {
    const victim = round % 2;
    await pause(entropy.unit() * 300);
    await servers[victim]!.stop("SIGKILL");
    const before = load.acknowledgements;
    load.moveTo([ports[1 - victim]!]);
    await until(() => load.acknowledgements >= before + 200, 10_000);
    servers[victim] = await start(ports[victim]!);
    load.moveTo(ports);
  }
  await load.settle();
  for (const server of servers) {
    const askedAtMs = Date.now();
    const listing = await allOverHttp(server);
    expect(load.differences(listing, askedAtMs, Date.now()), `seed ${seed}`).toEqual([]);
  }
  expect(load.refusals, `seed ${seed}`).toEqual([]);
  load.close();
  expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0]);
});
