import { afterEach } from "vitest";
import type { Leg } from "../../src/port/leg.js";
import { type Behaviour, type Recorder, recorder } from "./recorder.js";
import { answer } from "./sip.js";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Closes this when the test is over. */
export function closeAfter(close: () => unknown): void {
  closing.push(close);
}

/** Answers every request at once, and what is malformed with its status, when an answer can be addressed. */
export const ANSWERING: Behaviour = {
  onMessage(text, flow, leg) {
    if (!text.startsWith("SIP/2.0")) answer(text, flow, leg);
  },
  onMalformed(text, status, flow, leg) {
    answer(text, flow, leg, status);
  },
};

/** Starts a leg for one test. */
export async function started<L extends Leg>(
  leg: L,
  behaviour: Behaviour = ANSWERING,
): Promise<{ leg: L; owner: Recorder }> {
  const owner = recorder(behaviour);
  closeAfter(() => leg.close());
  await leg.start(owner.events);
  return { leg, owner };
}
