/** REGISTERs over any transport, with or without the 401 handshake. */

import { openLinks } from "./links.mjs";
import { authorize, register, slotOf, statusOf, user } from "./messages.mjs";
import { makeSlots } from "./slots.mjs";

/** @param job aors, concurrency, auth, and what `openLinks` wants */
export async function registers(job) {
  const cseqs = new Int32Array(job.aors);
  const isUnderWay = new Uint8Array(job.aors);
  const aorOfSlot = new Int32Array(job.concurrency);
  const isAnswering = new Uint8Array(job.concurrency);
  let nextAor = 0;
  const links = await openLinks(job, received);

  const slots = makeSlots(job.concurrency, (slot) => {
    // never two at once for one address-of-record: the later CSeq might come first
    while (isUnderWay[nextAor] === 1) nextAor = following(nextAor);
    isUnderWay[nextAor] = 1;
    aorOfSlot[slot] = nextAor;
    nextAor = following(nextAor);
    isAnswering[slot] = 0;
    send(slot, "");
  });

  function following(aor) {
    return aor + 1 === job.aors ? 0 : aor + 1;
  }

  function finish(slot, status) {
    isUnderWay[aorOfSlot[slot]] = 0;
    slots.finish(slot, status);
  }

  function send(slot, authorization) {
    const aor = aorOfSlot[slot];
    // one contact for each address-of-record, and over UDP one link, as a phone has them
    const phone = links.hosts[aor % job.links];
    const link = job.transport === "udp" ? aor % job.links : slot % job.links;
    const name = user(aor);
    const text = register({
      via: links.vias[link],
      slot,
      turn: slots.turns[slot],
      name,
      cseq: ++cseqs[aor],
      contact: `sip:${name}@${phone}${job.transport === "udp" ? "" : `;transport=${job.transport}`}`,
      authorization,
    });
    slots.sent(slot, text, (message) => links.send(link, message));
  }

  function received(_link, text) {
    const { slot, turn } = slotOf(text);
    if (!slots.isCurrent(slot, turn)) return;
    const status = statusOf(text);
    if (status < 200) return;
    if (status !== 401 || !job.auth || isAnswering[slot] === 1) return finish(slot, status);
    isAnswering[slot] = 1;
    // the answer to the challenge has a turn of its own, so that a late 401 is not taken for its answer
    slots.turns[slot]++;
    const name = user(aorOfSlot[slot]);
    send(slot, authorize(text.slice(text.indexOf("WWW-Authenticate: ")), name, `c${slots.turns[slot]}`));
  }

  return slots;
}
