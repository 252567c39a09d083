import { describe, expect, it } from "vitest";
import { credentials, request, rig } from "./authorize-rig.js";

describe("RFC 3261 §22.2: a registrar asks for credentials", () => {
  it("answers 401 with realm, nonce, qop and algorithm", async () => {
    const { status, answer, challenges } = await rig().ask(request());
    expect(status).toBe(401);
    expect(answer?.status).toBe(401);
    expect(challenges).toHaveLength(1);
    expect(challenges[0]).toMatchObject({ realm: "example.com", qop: "auth", algorithm: "MD5" });
    expect(challenges[0]).not.toHaveProperty("stale");
  });

  it("passes on who answers the challenge, with an identity", async () => {
    const { ask, challenge } = rig();
    const right = await ask(request({ headers: [`Authorization: ${credentials(await challenge())}`] }));
    expect(right.status).toBeUndefined();
    expect(right.text).toBe("");
    expect(right.context.identity).toEqual({ user: "alice", realm: "example.com" });
  });
});
