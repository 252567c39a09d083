import { describe, expect, it } from "vitest";
import type { RegistrarExtension } from "../../src/registrar/extension.js";
import { rig } from "./rig.js";

const instance = (n: number) => `+sip.instance="<urn:uuid:0000000${n}>"`;
const contact = (n: number, device = 1) => `<sip:alice@192.0.2.${n}>;${instance(device)}`;
const hosts = async (r: ReturnType<typeof rig>) =>
  (await r.bindings()).map(({ uri }) => Number(uri.split(".").at(-1)));

describe("A11: a rebooted phone leaves no ghost", () => {
  it("a new Call-ID from the same instance takes away its bindings under older ones", async () => {
    const r = rig();
    await r.register({ contacts: [contact(1)], callId: "first boot" });
    await r.register({ contacts: [contact(2)], callId: "second boot" });
    expect(await hosts(r)).toEqual([2]);
  });

  it("all of them, when it had several contacts", async () => {
    const r = rig();
    await r.register({ contacts: [contact(1), contact(2)], callId: "first boot" });
    await r.register({ contacts: [contact(3), contact(4)], callId: "second boot" });
    expect(await hosts(r)).toEqual([3, 4]);
  });

  it("several contacts of one instance under one Call-ID stay (RFC 5627 §5.4)", async () => {
    const r = rig();
    await r.register({ contacts: [contact(1)], callId: "boot", cseq: 1 });
    await r.register({ contacts: [contact(2)], callId: "boot", cseq: 2 });
    expect(await hosts(r)).toEqual([1, 2]);
  });

  it("other devices and phones without an instance stay", async () => {
    const r = rig();
    await r.register({ contacts: [contact(1, 1)], callId: "a" });
    await r.register({ contacts: [contact(2, 2)], callId: "b" });
    await r.register({ contacts: ["<sip:alice@192.0.2.3>"], callId: "c" });
    await r.register({ contacts: [contact(4, 1)], callId: "d" });
    expect(await hosts(r)).toEqual([2, 3, 4]);
  });

  it("removing a contact of an instance takes none of its others away", async () => {
    const r = rig();
    await r.register({ contacts: [contact(1)], callId: "a" });
    await r.register({ contacts: [`${contact(2)};expires=0`], callId: "b" });
    expect(await hosts(r)).toEqual([1]);
  });

  it("flows with reg-id stay (RFC 5626 §4.2.1: each has its own Call-ID)", async () => {
    const flows: RegistrarExtension = {
      name: "flows",
      examine(draft) {
        for (const each of draft.contacts)
          each.regId = Number(each.given.find(({ name }) => name === "reg-id")?.value ?? 0) || null;
        return undefined;
      },
    };
    const r = rig({ extensions: [flows] });
    await r.register({ contacts: [contact(9)], callId: "before flows" });
    await r.register({ contacts: [`${contact(1)};reg-id=1`], callId: "a" });
    await r.register({ contacts: [`${contact(2)};reg-id=2`], callId: "b" });
    await r.register({ contacts: [contact(3)], callId: "c" });
    expect(await hosts(r)).toEqual([1, 2, 3]);
  });

  it("switched off, the ghost stays until it expires", async () => {
    const r = rig({ deviceIdentity: false });
    await r.register({ contacts: [contact(1)], callId: "first boot" });
    await r.register({ contacts: [contact(2)], callId: "second boot" });
    expect(await hosts(r)).toEqual([1, 2]);
  });

  it.each(['+sip.instance=""', "+sip.instance"])("%s names no device", async (parameter) => {
    const r = rig();
    await r.register({ contacts: [`<sip:alice@192.0.2.1>;${parameter}`], callId: "a" });
    await r.register({ contacts: [`<sip:alice@192.0.2.2>;${parameter}`], callId: "b" });
    expect(await hosts(r)).toEqual([1, 2]);
  });
});
