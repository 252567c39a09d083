import { describe, expect, it } from "vitest";
import { reject } from "../../src/message/result.js";
import type { RegistrarExtension } from "../../src/registrar/extension.js";
import { contactsOf, rig, testFlow } from "./rig.js";
import { slowStore } from "./slow-store.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";
const AGENT = "User-Agent: Desk/1.0";

/** The example of docs/registrar-extensions.md. */
function zones(zoneOf: (address: string) => string): RegistrarExtension {
  return {
    name: "zones",
    ownParams: ["zone"],
    examine: (draft) => (draft.userAgent === null ? reject(403, "Unknown Device") : undefined),
    bind: (binding, _previous, _set, { received }) => ({
      ...binding,
      extra: { ...binding.extra, zone: zoneOf(received) },
    }),
    contactParams: (_draft, { extra }) => (extra?.zone === undefined ? "" : `;zone=${extra.zone}`),
  };
}

const byAddress = (address: string) => (address.includes("198.51.100.") ? "office" : "home");

describe("An extension of one's own", () => {
  it("rejects before anything is read or written", async () => {
    const r = rig({ extensions: [zones(byAddress)] });
    const answer = await r.register({ contacts: [PHONE] });
    expect([answer.status, answer.reason]).toEqual([403, "Unknown Device"]);
    expect(await r.bindings()).toEqual([]);
  });

  it("keeps something with each binding, and tells it in the 200 in place of what the phone said", async () => {
    const r = rig({ extensions: [zones(byAddress)] });
    const lines = [AGENT];
    await r.register({ contacts: [`${PHONE};zone=mine;x=1`], callId: "1", lines });
    const home = testFlow({ address: "203.0.113.9" });
    const answer = await r.register({ contacts: ["<sip:alice@192.0.2.8>"], callId: "2", lines }, home);
    expect(contactsOf(answer)).toEqual([
      `${PHONE};expires=300;x=1;zone=office`,
      "<sip:alice@192.0.2.8>;expires=300;zone=home",
    ]);
    expect((await r.bindings()).map(({ extra }) => extra)).toEqual([{ zone: "office" }, { zone: "home" }]);
    const moved = await r.register({ contacts: [PHONE], callId: "1", cseq: 2, lines }, home);
    expect(contactsOf(moved)[0]).toBe(`${PHONE};expires=300;zone=home`);
  });

  it("hooks run in the order of the list; a rejection ends it", async () => {
    const calls: string[] = [];
    const named = (name: string, status?: number): RegistrarExtension => ({
      name,
      examine() {
        calls.push(name);
        return status === undefined ? undefined : reject(status, name);
      },
      answer: () => `X-${name}: here\r\n`,
    });
    const passing = rig({ extensions: [named("One"), named("Two")] });
    const answer = await passing.register({ contacts: [PHONE] });
    expect(answer.text.indexOf("X-One")).toBeLessThan(answer.text.indexOf("X-Two"));
    const refusing = rig({ extensions: [named("Three", 488), named("Four")] });
    const refused = await refusing.register({ contacts: [PHONE] });
    expect(refused.status).toBe(488);
    expect(refused.text).not.toContain("X-");
    expect(calls).toEqual(["One", "Two", "Three"]);
  });

  it("bind runs inside the store's update, as often as the store runs it, and not for a retransmission", async () => {
    let runs = 0;
    const counting: RegistrarExtension = {
      name: "counting",
      bind(binding) {
        runs++;
        return binding;
      },
    };
    const store = slowStore();
    const r = rig({ store, extensions: [counting] });
    const register = () => r.register({ contacts: [PHONE] });
    const first = register();
    expect(runs).toBe(0);
    await store.release();
    await first;
    expect(runs).toBe(2);
    const again = register();
    await store.release();
    await again;
    expect(runs).toBe(2);
  });
});
