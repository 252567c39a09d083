import { expect, test } from "vitest";
import { chainStage } from "../support/chain-stage.js";

test("path.from: who else adds a Path is refused with 403, and without one may register", async () => {
  const on = await chainStage("path: { mode: accept, from: [192.0.2.2] }");
  const [edge, stranger] = [on.phone("edge"), on.phone("stranger")];
  const register = {
    method: "REGISTER",
    uri: "sip:example.com",
    from: "sip:bob@example.com",
    to: "sip:bob@example.com",
  };
  const path = { name: "Path", value: "<sip:edge.example.com;lr>" };
  edge.request({ ...register, contact: edge.contact, headers: [path] });
  stranger.request({ ...register, contact: stranger.contact, headers: [path], callId: "1" });
  stranger.request({ ...register, contact: stranger.contact, callId: "2" });
  await on.pass(100);
  expect(edge.statuses).toEqual([200]);
  expect(stranger.statuses).toEqual([403, 200]);
  await on.chain.close();
});
