import { parseDigits } from "./grammar.js";
import type { SipRequest } from "./message.js";
import { ok, type Rejection, type Result, reject } from "./result.js";

/** Fields that stand once in a request (RFC 3261 §20, table 2). */
const SINGLE = ["to", "from", "call-id", "cseq", "max-forwards", "content-length", "expires"] as const;

const PASS = ok(undefined);

/**
 * May a request be acted on at all? Mandatory header fields (RFC 3261 §8.1.1), each once, well formed and not in
 * contradiction; CSeq names the method (§8.1.1.5).
 * @returns 400 with the reason, or 501 for a method that only CSeq gets wrong and nobody here knows (RFC 4475 §3.1.2.18)
 */
export function checkRequest(request: SipRequest, knows: (method: string) => boolean): Result<undefined> {
  const { headers } = request;
  for (const name of SINGLE) {
    const first = headers.indexOf(name);
    if (first >= 0 && headers.indexOf(name, first + 1) >= 0) return bad(`More Than One ${title(name)}`);
  }
  if (request.via === undefined) return bad(headers.has("via") ? "Malformed Via" : "Missing Via");
  if (request.from === undefined) return bad(headers.has("from") ? "Malformed From" : "Missing From");
  if (request.to === undefined) return bad(headers.has("to") ? "Malformed To" : "Missing To");
  if (request.callId.length === 0) return bad("Missing Call-ID");
  const { cseq } = request;
  if (cseq === undefined) return bad(headers.has("cseq") ? "Malformed CSeq" : "Missing CSeq");
  if (cseq.method !== request.method) {
    return knows(request.method) ? bad("CSeq Method Mismatch") : reject(501, "Not Implemented");
  }
  return PASS;
}

function bad(reason: string): Rejection {
  return reject(400, reason);
}

function title(name: string): string {
  return name === "cseq"
    ? "CSeq"
    : name === "call-id"
      ? "Call-ID"
      : name.replace(/(^|-)./g, (c) => c.toUpperCase());
}

/** Max-Forwards as a number; `undefined` when absent or not 0 to 255, which is treated as absent (RFC 4475 §3.1.2.4). */
export function maxForwards(request: SipRequest): number | undefined {
  const value = parseDigits(request.headers.get("max-forwards") ?? "");
  return value === undefined || value > 255 ? undefined : value;
}
