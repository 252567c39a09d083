import type { Binding } from "../location/binding.js";

/** A binding for tests, as a phone behind NAT makes it over UDP; what is given replaces what is here. */
export function aBinding(given: Partial<Binding> = {}): Binding {
  return {
    uri: "sip:alice@192.0.2.7:5060",
    params: "",
    expiresAtMs: 1_767_229_200_000,
    qMilli: 1000,
    callId: "843817637684230@998sdasdh09",
    cseq: 1826,
    userAgent: null,
    received: "udp:198.51.100.4:61002",
    flow: null,
    path: [],
    instance: null,
    regId: null,
    registeredAtMs: 1_767_225_600_000,
    updatedAtMs: 1_767_225_600_000,
    ...given,
  };
}
