/** The texts that the load sends, and the few things it reads from answers. Latin1 text, as everywhere. */
import { createHash } from "node:crypto";

export const DOMAIN = "example.com";
export const user = (n) => `u${n}`;
/** The rule that both servers know the passwords by. */
export const password = (name) => `pw-${name}`;
export const ha1 = (name) => md5(`${name}:${DOMAIN}:${password(name)}`);

const md5 = (text) => createHash("md5").update(text, "latin1").digest("hex");
const BRANCH = "z9hG4bK-b-";

/**
 * One REGISTER. `slot` and `turn` come back in the branch; `contact` is what stands between < and >.
 * It has the header fields of a common desk phone, about 500 octets.
 */
export function register({ via, slot, turn, name, cseq, contact, authorization = "" }) {
  return (
    `REGISTER sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/${via};branch=${BRANCH}${slot}-${turn};rport\r\nMax-Forwards: 70\r\n` +
    `From: <sip:${name}@${DOMAIN}>;tag=${name}t\r\nTo: <sip:${name}@${DOMAIN}>\r\nCall-ID: ${name}-5f2b1c77@192.0.2.10\r\n` +
    `CSeq: ${cseq} REGISTER\r\nContact: <${contact}>\r\n${authorization}Expires: 3600\r\n` +
    "User-Agent: Desk Phone 7.4.2\r\nAllow: INVITE, ACK, CANCEL, OPTIONS, BYE, NOTIFY\r\nContent-Length: 0\r\n\r\n"
  );
}

/** An OPTIONS to the server itself. */
export function optionsRequest(own, turn) {
  return (
    `OPTIONS sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=${BRANCH}0-${turn};rport\r\nMax-Forwards: 70\r\n` +
    `From: <sip:probe@${DOMAIN}>;tag=p\r\nTo: <sip:${DOMAIN}>\r\nCall-ID: probe-${turn}@${own}\r\n` +
    `CSeq: ${turn} OPTIONS\r\nContent-Length: 0\r\n\r\n`
  );
}

/** The Authorization line that answers a Digest challenge with qop (RFC 7616 §3.4). */
export function authorize(challenge, name, cnonce) {
  const nonce = quoted(challenge, "nonce");
  const uri = `sip:${DOMAIN}`;
  const head = `Authorization: Digest username="${name}",realm="${DOMAIN}",nonce="${nonce}",uri="${uri}",algorithm=MD5`;
  if (!challenge.includes("qop="))
    return `${head},response="${md5(`${hashOf(name)}:${nonce}:${REGISTER_HASH}`)}"\r\n`;
  const response = md5(`${hashOf(name)}:${nonce}:00000001:${cnonce}:auth:${REGISTER_HASH}`);
  return `${head},qop=auth,nc=00000001,cnonce="${cnonce}",response="${response}"\r\n`;
}

const REGISTER_HASH = md5(`REGISTER:sip:${DOMAIN}`);
const hashes = new Map();

function hashOf(name) {
  let hash = hashes.get(name);
  if (hash === undefined) hashes.set(name, (hash = ha1(name)));
  return hash;
}

function quoted(text, key) {
  const at = text.indexOf(`${key}="`) + key.length + 2;
  return text.slice(at, text.indexOf('"', at));
}

/** The status of a response; 0 for a request. */
export function statusOf(text) {
  return text.startsWith("SIP/2.0 ") ? Number(text.slice(8, 11)) : 0;
}

/** The slot and the turn in the branch of the topmost Via; -1 when it is none of ours. */
export function slotOf(text) {
  const at = text.indexOf(BRANCH);
  if (at < 0) return { slot: -1, turn: -1 };
  const dash = text.indexOf("-", at + BRANCH.length);
  let end = dash + 1;
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
  return { slot: Number(text.slice(at + BRANCH.length, dash)), turn: Number(text.slice(dash + 1, end)) };
}

/** The value of the first header field of this name, `""` without one. */
export function field(text, name) {
  const at = text.indexOf(`\r\n${name}: `);
  return at < 0 ? "" : text.slice(at + name.length + 4, text.indexOf("\r\n", at + 2));
}

/** All lines of a header field as they stand, each with its CRLF. */
export function lines(text, name) {
  let out = "";
  const end = text.indexOf("\r\n\r\n");
  for (
    let at = text.indexOf(`\r\n${name}: `);
    at >= 0 && at < end;
    at = text.indexOf(`\r\n${name}: `, at + 2)
  )
    out += text.slice(at + 2, text.indexOf("\r\n", at + 2) + 2);
  return out;
}

export const branch = (slot, turn) => `${BRANCH}${slot}-${turn}`;
