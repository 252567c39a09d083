/** Calls through the server: INVITE, 180, 200, ACK, BYE, 200. The load is both the caller and the phone that is called. */

import { openLinks } from "./links.mjs";
import { branch, DOMAIN, field, lines, slotOf, statusOf, user } from "./messages.mjs";
import { answer, openPhones, SDP } from "./phones.mjs";
import { makeSlots } from "./slots.mjs";

/** @param job aors, concurrency, links, port; every address-of-record is registered first */
export async function calls(job) {
  const callers = await openLinks({ ...job, transport: "udp" }, fromServer);
  await openPhones(job, atPhone);
  const dialogs = new Array(job.concurrency);
  let nextAor = 0;

  const slots = makeSlots(job.concurrency, (slot) => {
    const name = user(nextAor);
    nextAor = (nextAor + 1) % job.aors;
    const link = slot % job.links;
    dialogs[slot] = {
      name,
      link,
      callId: `call-${slot}-${slots.turns[slot]}@192.0.2.20`,
      isBye: false,
      direct: undefined,
    };
    send(slot, `sip:${name}@${DOMAIN}`, "INVITE", 1, "", `<sip:${name}@${DOMAIN}>`, SDP);
  });

  function send(slot, uri, method, cseq, route, to, body) {
    const dialog = dialogs[slot];
    const text =
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/${callers.vias[dialog.link]};branch=${branch(slot, slots.turns[slot])};rport\r\n${route}` +
      `Max-Forwards: 70\r\nFrom: <sip:caller@${DOMAIN}>;tag=c${slot}\r\nTo: ${to}\r\nCall-ID: ${dialog.callId}\r\n` +
      `CSeq: ${cseq} ${method}\r\nContact: <sip:caller@${callers.hosts[dialog.link]}>\r\n` +
      `${body === "" ? "" : "Content-Type: application/sdp\r\n"}Content-Length: ${body.length}\r\n\r\n${body}`;
    slots.sent(slot, text, (message) => callers.send(dialog.link, message, dialog.direct));
  }

  function fromServer(_link, text) {
    const { slot, turn } = slotOf(text);
    const status = statusOf(text);
    if (status < 200 || !slots.isCurrent(slot, turn)) return;
    const dialog = dialogs[slot];
    if (status >= 300 || dialog.isBye) return slots.finish(slot, status);
    // in the dialog: to the phone's Contact by the route that the server recorded, without one straight to the phone (§12.2.1.1)
    const uri = field(text, "Contact").replace(/^<|>.*$/g, "");
    // the caller's route set is the recorded one backwards (§12.1.2)
    const routes = lines(text, "Record-Route")
      .replaceAll("Record-Route: ", "Route: ")
      .split(/(?<=\r\n)/)
      .reverse()
      .join("");
    const to = field(text, "To");
    dialog.isBye = true;
    dialog.direct = routes === "" ? uri.slice(uri.indexOf("@") + 1).replace(/;.*$/, "") : undefined;
    slots.turns[slot]++;
    send(slot, uri, "ACK", 1, routes, to, "");
    slots.turns[slot]++;
    send(slot, uri, "BYE", 2, routes, to, "");
  }

  return slots;
}

/** The phone that is called: rings and answers at once. */
function atPhone(text, reply) {
  const method = text.slice(0, text.indexOf(" "));
  if (method === "INVITE") {
    reply(answer(text, "180 Ringing", ""));
    reply(answer(text, "200 OK", SDP));
  } else if (method === "BYE") reply(answer(text, "200 OK", ""));
}
