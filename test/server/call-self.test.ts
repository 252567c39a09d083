import { expect, test } from "vitest";
import { chainStage } from "../support/chain-stage.js";

/** Five users who each register the four others, with parameters that differ. */
async function ring(yaml: string) {
  const on = await chainStage(yaml);
  const [caller, phone] = [on.phone("caller"), on.phone("phone")];
  const users = ["a", "b", "c", "d", "e"];
  for (const user of users) {
    const others = users.filter((other) => other !== user);
    const contacts = others.map((other) => `<sip:${other}@example.com;from=${user}>`);
    phone.send(
      phone
        .write({ method: "REGISTER", uri: "sip:example.com", to: `<sip:${user}@example.com>`, callId: user })
        .replace(`<${phone.contact}>`, contacts.join(", ")),
    );
  }
  await on.pass(100);
  expect(phone.statuses).toEqual([200, 200, 200, 200, 200]);
  caller.request({ method: "MESSAGE", uri: "sip:a@example.com" });
  await on.pass(40_000);
  return caller.statuses;
}

test("contacts that point back to the server are not called: a ring of users ends at once", async () => {
  expect(await ring("")).toEqual([480]);
});

test("proxy.callSelf calls them, and RFC 5393 ends the loop", async () => {
  expect((await ring("proxy: {callSelf: true}\n")).at(-1)).toBe(482);
});
