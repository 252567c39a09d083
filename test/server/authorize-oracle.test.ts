import { describe, expect, it } from "vitest";
import type { AuthReport } from "../../src/auth/attempts.js";
import { ha1For } from "../../src/auth/digest.js";
import type { CredentialSource, Hasher } from "../../src/auth/source.js";
import { Authorize } from "../../src/server/authorize.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { sharedSecrets } from "../auth/secrets.js";
import { answering, hasher, passwords, recordingLeg, request, rig, udpFlow } from "./authorize-rig.js";

/** An answer without what differs between any two: nonce and To tag. */
function bare(text: string): string {
  return text.replace(/nonce="[^"]*"/g, 'nonce=""').replace(/;tag=[0-9a-f]{16}/, ";tag=");
}

describe("FEATURES B4: known and unknown users cannot be told apart", () => {
  it.each(["MD5", "SHA-256", "SHA-512-256"] as const)(
    "by the octets of any answer, with %s",
    async (algorithm) => {
      const { ask, challenge, clock } = rig({ algorithms: [algorithm], nonceSeconds: 60 });
      const to = { to: "sip:x@example.com" };
      const probes = [
        async (user: string) =>
          (await ask(answering(await challenge(), { user, password: "guess" }, to))).text,
        async (user: string) =>
          (await ask(answering({ realm: "example.com", nonce: "1", algorithm }, { user }, to))).text,
        async (user: string) =>
          (await ask(answering(await challenge(), { user, password: "", nc: 7 }, to))).text,
        async (user: string) =>
          (await ask(answering(await challenge(), { user, uri: "sip:x.example" }, to))).text,
        async (user: string) => {
          const old = await challenge();
          clock.advance(61_000);
          return (await ask(answering(old, { user, password: "guess" }, to))).text;
        },
      ];
      for (const probe of probes) {
        const known = await probe("alice");
        expect(known).toMatch(/^SIP\/2\.0 4/);
        for (const unknown of ["carol", "", "alice@example.com", "x".repeat(500), "constructor"])
          expect(bare(await probe(unknown))).toBe(bare(known));
      }
    },
  );

  it("by asking without credentials for an address", async () => {
    const { ask } = rig();
    const [known, unknown] = await Promise.all(
      ["alice", "carol"].map(async (user) => (await ask(request({ to: `sip:${user}@example.com` }))).text),
    );
    expect(bare(known!)).toBe(bare(unknown!).replace(/carol/g, "alice"));
  });

  it("by the work that is done: the same calls of the same lengths", async () => {
    const calls: string[] = [];
    const watched: Hasher = {
      digest: (algorithm, text) => {
        calls.push(`${algorithm} ${text.length}`);
        return hasher.digest(algorithm, text);
      },
      hmac: (key, text) => {
        calls.push(`hmac ${text.length}`);
        return hasher.hmac(key, text);
      },
      equal: (a, b) => {
        calls.push(`equal ${a.length} ${b.length}`);
        return hasher.equal(a, b);
      },
    };
    // the accounts hash at rest, so that what is counted is the authoriser's work
    const stored = new Map([
      ["alice", ha1For(hasher, { user: "alice", realm: "example.com", password: "secret" }, "MD5")],
    ]);
    const { ask, challenge } = rig({ hasher: watched, source: { ha1: (user) => stored.get(user) ?? null } });
    const work = async (user: string): Promise<string[]> => {
      const nonce = await challenge();
      calls.length = 0;
      await ask(answering(nonce, { user, password: "guess" }));
      return [...calls];
    };
    const known = await work("alice");
    expect(known.length).toBeGreaterThan(4);
    expect(await work("carol")).toEqual(known);
  });

  it("nobody can answer for an unknown user, whatever HA1 it guesses", async () => {
    const { ask, challenge } = rig({ seed: 5 });
    for (const ha1 of ["", "0".repeat(32), "null", "undefined", seededEntropy(5).hex(16)]) {
      const nonce = await challenge();
      const ha2 = hasher.digest("MD5", "REGISTER:sip:example.com");
      const response = hasher.digest("MD5", `${ha1}:${nonce.nonce}:00000001:0a4f113b:auth:${ha2}`);
      const outcome = await ask(
        answering(nonce, { user: "carol", overrides: { response: `"${response}"` } }),
      );
      expect(outcome.status).toBe(401);
    }
  });
});

describe("trouble with the accounts is never a wrong password", () => {
  const failing: readonly [string, CredentialSource][] = [
    [
      "thrown",
      {
        ha1: () => {
          throw new Error("no route to the database");
        },
      },
    ],
    ["rejected", { ha1: () => Promise.reject(new Error("no route to the database")) }],
  ];
  it.each(failing)("%s: 503 with Retry-After, and no challenge", async (_, source) => {
    const lines: string[] = [];
    const keep = (facts: object, message: string): void => {
      lines.push(`${message} ${JSON.stringify(facts)}`);
    };
    const log = { debug: keep, info: keep, warn: keep, error: keep };
    const { ask, challenge, authorize } = rig({ source, log });
    const outcome = await ask(answering(await challenge()));
    expect(outcome.status).toBe(503);
    expect(Number(outcome.answer?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(outcome.challenges).toEqual([]);
    expect(authorize.counters).toMatchObject({ unavailable: 1, wrong: 0 });
    expect(lines).toEqual([expect.stringContaining("no route to the database")]);
  });

  it("no keys for nonces: 503, and all is well when the store is", async () => {
    const secrets = sharedSecrets();
    secrets.trouble = new Error("disk on fire");
    const { ask } = rig({ secrets });
    expect((await ask(request())).status).toBe(503);
    secrets.trouble = null;
    expect((await ask(request())).status).toBe(401);
  });

  it("more requests than may wait: 503", async () => {
    const never: CredentialSource = { ha1: () => new Promise(() => {}) };
    const { authorize, challenge } = rig({ source: never, maxWaiting: 2 });
    const statuses: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const { leg } = recordingLeg();
      statuses.push(authorize.receive(answering(await challenge()), leg, udpFlow()));
    }
    expect(statuses[0]).toBeInstanceOf(Promise);
    expect(statuses[1]).toBeInstanceOf(Promise);
    expect(statuses[2]).toBe(503);
  });
});

describe("A2: requests for one address go on in the order they came", () => {
  it("although the source answers the second first", async () => {
    const answers: ((ha1: string | null) => void)[] = [];
    const source: CredentialSource = {
      ha1: () => new Promise((resolve) => answers.push(resolve)),
    };
    const { authorize, challenge } = rig({ source });
    const nonce = await challenge();
    const done: number[] = [];
    const asked = [1, 2, 3].map(async (nc) => {
      const { leg } = recordingLeg();
      await authorize.receive(answering(nonce, { nc }, { cseq: nc }), leg, udpFlow());
      done.push(nc);
    });
    const ha1 = ha1For(hasher, { user: "alice", realm: "example.com", password: "secret" }, "MD5");
    for (const answer of answers.toReversed()) answer(ha1);
    await Promise.all(asked);
    expect(done).toEqual([1, 2, 3]);
    expect(authorize.counters.accepted).toBe(3);
  });
});

describe("what watchers hear", () => {
  it("every outcome, with the user that was named and whether the challenge had gone there", async () => {
    const reports: AuthReport[] = [];
    const watcher = { mayTry: () => true, report: (report: AuthReport) => void reports.push(report) };
    const { ask, challenge } = rig({ watcher });
    const nonce = await challenge();
    await ask(answering(nonce, { password: "guess" }));
    await ask(answering(nonce, { password: "guess" }), udpFlow("203.0.113.66"));
    await ask(answering(nonce));
    expect(reports.map(({ outcome, user, returnRoutable }) => [outcome, user, returnRoutable])).toEqual([
      ["challenged", null, false],
      ["wrong", "alice", true],
      ["wrong", "alice", false],
      ["accepted", "alice", true],
    ]);
  });

  it("a user who may not try now is answered like a wrong password, and nothing is looked up", async () => {
    let lookedUp = 0;
    const source: CredentialSource = {
      ha1: (user, realm, algorithm) => {
        lookedUp++;
        return passwords({ alice: "secret" }).ha1(user, realm, algorithm);
      },
    };
    const watcher = { mayTry: (_: unknown, user: string) => user !== "alice", report: () => {} };
    const { ask, challenge, authorize } = rig({ source, watcher });
    const throttled = await ask(answering(await challenge()));
    const wrong = await ask(answering(await challenge(), { user: "carol" }));
    expect(throttled.status).toBe(401);
    expect(bare(throttled.text)).toBe(bare(wrong.text));
    expect(lookedUp).toBe(1);
    expect(authorize.counters).toMatchObject({ throttled: 1, wrong: 1 });
  });
});

describe("secrets stay inside", () => {
  it("no HA1, response or key in anything that is written", async () => {
    const written: string[] = [];
    const keep = (facts: object, message: string): void => {
      written.push(`${message} ${JSON.stringify(facts)}`);
    };
    const source = passwords({ alice: "secret" });
    const { ask, challenge, authorize } = rig({
      source,
      log: { debug: keep, info: keep, warn: keep, error: keep },
    });
    const answer = answering(await challenge(), { password: "guess" });
    written.push((await ask(answer)).text, JSON.stringify(authorize), JSON.stringify(authorize.counters));
    const response = /response="([0-9a-f]+)"/.exec(answer.text)![1]!;
    const ha1 = source.ha1("alice", "example.com", "MD5");
    for (const text of written) {
      expect(text).not.toContain(response);
      expect(text).not.toContain(String(ha1));
    }
    expect(authorize).toBeInstanceOf(Authorize);
  });
});
