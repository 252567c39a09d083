/** Phones that are registered and can be called, and what they answer. */

import { openLinks } from "./links.mjs";
import { field, lines, register, statusOf, user } from "./messages.mjs";

export const SDP =
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n";

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

/** Opens a phone for each address-of-record of the job, and registers them; `onRequest(text, reply)` gets what calls them. */
export async function openPhones(job, onRequest) {
  let onRegistered;
  const phones = await openLinks({ ...job, transport: "udp" }, (_link, text, reply) => {
    if (statusOf(text) === 0) onRequest(text, reply);
    else onRegistered?.(text);
  });
  await registerPhones(job, phones, (listener) => {
    onRegistered = listener;
  });
}

/** Registers every phone once, 32 at a time. */
function registerPhones(job, phones, listen) {
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
