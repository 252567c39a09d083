/** Calls through the server: INVITE, 180, 200, ACK, BYE, 200. The load is both the caller and the phone that is called. */

import { openLinks } from "./links.mjs";
import { branch, DOMAIN, field, lines, register, slotOf, statusOf, user } from "./messages.mjs";
import { makeSlots } from "./slots.mjs";

export const SDP =
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n";

/** @param job aors, concurrency, links, port; every address-of-record is registered first */
export async function calls(job) {
  const callers = await openLinks({ ...job, transport: "udp" }, fromServer);
  let onRegistered;
  const phones = await openLinks({ ...job, transport: "udp" }, (_link, text, reply) => {
    if (statusOf(text) === 0) atPhone(text, reply);
    else onRegistered?.(text);
  });
  await registerPhones(job, phones, (listener) => {
    onRegistered = listener;
  });
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

/** What a phone answers to a request, with its Contact. */
export function answer(request, status, body) {
  const uri = request.slice(request.indexOf(" ") + 1, request.indexOf(" SIP/2.0\r\n"));
  const to = field(request, "To");
  return (
    `SIP/2.0 ${status}\r\n${lines(request, "Via")}${lines(request, "Record-Route")}From: ${field(request, "From")}\r\n` +
    `To: ${to}${to.includes(";tag=") ? "" : ";tag=phone"}\r\nCall-ID: ${field(request, "Call-ID")}\r\nCSeq: ${field(request, "CSeq")}\r\n` +
    `Contact: <${uri}>\r\n${body === "" ? "" : "Content-Type: application/sdp\r\n"}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** Registers every phone once, 32 at a time. */
export function registerPhones(job, phones, listen) {
  let next = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const sendNext = () => {
      if (next === job.aors) return;
      const link = next % job.links;
      const name = user(next++);
      phones.send(
        link,
        register({
          via: phones.vias[link],
          slot: 0,
          turn: next,
          name,
          cseq: 1,
          contact: `sip:${name}@${phones.hosts[link]}`,
        }),
      );
    };
    listen((text) => {
      if (statusOf(text) !== 200) reject(new Error(`a phone was not registered: ${text.slice(0, 40)}`));
      else if (++done === job.aors) resolve();
      else sendNext();
    });
    for (let i = 0; i < 32; i++) sendNext();
  });
}
