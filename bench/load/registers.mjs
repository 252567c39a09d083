/** REGISTERs over any transport, with or without the 401 handshake. */

import { openLinks } from "./links.mjs";
import { authorize, register, slotOf, statusOf, user } from "./messages.mjs";
import { makeSlots } from "./slots.mjs";

/** @param job aors, concurrency, auth, and what `openLinks` wants */
export async function registers(job) {
  const cseqs = new Int32Array(job.aors);
  const aorOfSlot = new Int32Array(job.concurrency);
  let nextAor = 0;
  const links = await openLinks(job, received);

  const slots = makeSlots(job.concurrency, (slot) => {
    aorOfSlot[slot] = nextAor;
    nextAor = nextAor + 1 === job.aors ? 0 : nextAor + 1;
    send(slot, "");
  });

  function send(slot, authorization) {
    const aor = aorOfSlot[slot];
    // the same link for the same address-of-record, as a phone has it
    const link = job.transport === "udp" ? aor % job.links : slot % job.links;
    const name = user(aor);
    const text = register({
      via: links.vias[link],
      slot,
      turn: slots.turns[slot],
      name,
      cseq: ++cseqs[aor],
      contact: `sip:${name}@${links.hosts[link]}${job.transport === "udp" ? "" : `;transport=${job.transport}`}`,
      authorization,
    });
    slots.sent(slot, text, (message) => links.send(link, message));
  }

  function received(_link, text) {
    const { slot, turn } = slotOf(text);
    if (!slots.isCurrent(slot, turn)) return;
    const status = statusOf(text);
    if (status < 200) return;
    if (status !== 401 || !job.auth) return slots.finish(slot, status);
    // the answer to the challenge has a turn of its own, so that a late 401 is not taken for its answer
    slots.turns[slot]++;
    const name = user(aorOfSlot[slot]);
    send(slot, authorize(text.slice(text.indexOf("WWW-Authenticate: ")), name, `c${slots.turns[slot]}`));
  }

  return slots;
}
