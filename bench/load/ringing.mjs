/**
 * Calls that ring all at once, in a process that lives until it is killed: caller and phones. Told `open` it registers the
 * phones, told `ring` it calls until so many ring, told `cancel` it ends them all, each with CANCEL, 487 and ACK.
 */
import { openLinks } from "./links.mjs";
import { branch, DOMAIN, field, slotOf, statusOf, user } from "./messages.mjs";
import { percentiles } from "./percentiles.mjs";
import { answer, openPhones, SDP } from "./phones.mjs";

/** Calls that are being set up or ended at a time. */
const AT_ONCE = 64;
/** What is lost is sent again after this long. */
const RESEND_MS = 1000;
/** A server that gets nothing done for so long has failed. */
const PATIENCE_MS = 20_000;

let job;
let callers;
/** 180 of each call, as its phone sent it. */
const rang = [];
/** 487 of each phone that waits for its ACK, with the way to send it. */
const unacknowledged = new Map();
/** What the caller waits for now: `{ since, sentAt, text }` by the number of the call. */
const waiting = new Map();
let onFinal;

async function open(given) {
  job = given;
  callers = await openLinks({ ...job, transport: "udp" }, (_link, text) => atCaller(text));
  await openPhones(job, atPhone);
}

const callId = (call) => `ring-${call}-5f2b1c77@192.0.2.20`;
const callOf = (text) => Number(/^ring-(\d+)-/.exec(field(text, "Call-ID"))?.[1] ?? -1);

function request(call, method, body, to) {
  const name = user(call % job.aors);
  const link = call % job.links;
  return (
    `${method} sip:${name}@${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/${callers.vias[link]};branch=${branch(call, job.round)};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:caller@${DOMAIN}>;tag=c${call}\r\nTo: ${to ?? `<sip:${name}@${DOMAIN}>`}\r\n` +
    `Call-ID: ${callId(call)}\r\nCSeq: ${job.round} ${method}\r\n` +
    `${method === "INVITE" ? `Contact: <sip:caller@${callers.hosts[link]}>\r\nContent-Type: application/sdp\r\n` : ""}` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

function atCaller(text) {
  const { slot: call } = slotOf(text);
  const status = statusOf(text);
  const method = field(text, "CSeq").split(" ")[1];
  if (method !== "INVITE" || status === 100) return;
  if (status >= 200) callers.send(call % job.links, request(call, "ACK", "", field(text, "To")));
  onFinal?.(call, status);
}

function atPhone(text, reply) {
  const method = text.slice(0, text.indexOf(" "));
  const call = callOf(text);
  if (method === "INVITE") {
    rang[call] = answer(text, "180 Ringing", "");
    reply(rang[call]);
  } else if (method === "CANCEL") {
    reply(answer(text, "200 OK", ""));
    if (rang[call] === undefined) return;
    const refusal = rang[call].replace("180 Ringing", "487 Request Terminated");
    rang[call] = undefined;
    unacknowledged.set(call, { refusal, reply, sentAt: performance.now() });
    reply(refusal);
  } else if (method === "ACK") unacknowledged.delete(call);
}

/** Sends a request for each call, so many at a time, until each has the status that is wanted. */
function each(text, wanted) {
  const statuses = {};
  const latencies = [];
  let next = 0;
  let lastDone = 0;
  return new Promise((resolve, reject) => {
    const send = (call) => {
      const now = performance.now();
      const entry = waiting.get(call) ?? { since: now, sentAt: now };
      entry.sentAt = now;
      waiting.set(call, entry);
      callers.send(call % job.links, text(call));
    };
    const sendAgain = setInterval(() => {
      const now = performance.now();
      for (const [call, { sentAt }] of waiting) if (now - sentAt >= RESEND_MS) send(call);
      for (const late of unacknowledged.values()) {
        if (now - late.sentAt < RESEND_MS) continue;
        late.sentAt = now;
        late.reply(late.refusal);
      }
    }, RESEND_MS / 4);
    const watch = setInterval(() => {
      if (latencies.length === lastDone)
        reject(new Error(`nothing done in ${PATIENCE_MS / 1000} s; so far ${JSON.stringify(statuses)}`));
      lastDone = latencies.length;
    }, PATIENCE_MS);
    onFinal = (call, status) => {
      const entry = waiting.get(call);
      if (entry === undefined || (status < 200 && status !== wanted)) return;
      waiting.delete(call);
      statuses[status] = (statuses[status] ?? 0) + 1;
      latencies.push(performance.now() - entry.since);
      if (next < job.calls) send(next++);
      else if (latencies.length === job.calls) {
        clearInterval(sendAgain);
        clearInterval(watch);
        resolve({ statuses, latencyMs: percentiles(latencies) });
      }
    };
    while (next < Math.min(AT_ONCE, job.calls)) send(next++);
  });
}

const VERBS = {
  open,
  ring({ round }) {
    job.round = round;
    return each((call) => request(call, "INVITE", SDP), 180);
  },
  cancel: () => each((call) => request(call, "CANCEL", ""), 487),
};

process.on("message", async ({ verb, job: given }) => {
  try {
    process.send({ result: (await VERBS[verb](given)) ?? {} });
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
});
