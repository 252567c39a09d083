import type { PeerCertificate } from "node:tls";
import { parseSipUri } from "../message/uri.js";

/**
 * SIP domain identities of a verified certificate (RFC 5922 §7.1), lower case: the hosts of its `sip` URIs without a user part;
 * else its DNS names; else, without any subjectAltName, the common name. Wildcards come back as they are and match only themselves
 * (§7.2).
 */
export function sipIdentities(certificate: PeerCertificate): readonly string[] {
  const { subjectaltname } = certificate;
  if (subjectaltname === undefined) {
    const names: unknown = certificate.subject?.CN;
    return typeof names === "string" && /^[\w.*-]+$/.test(names) ? [names.toLowerCase()] : [];
  }
  const names = alternativeNames(subjectaltname);
  const uris = names.flatMap(({ type, value }) => {
    const uri = type === "URI" && /^sip:/i.test(value) ? parseSipUri(value) : undefined;
    return uri === undefined || uri.user !== null ? [] : [uri.host];
  });
  if (uris.length > 0) return [...new Set(uris)];
  return [...new Set(names.flatMap(({ type, value }) => (type === "DNS" ? [value.toLowerCase()] : [])))];
}

interface AlternativeName {
  readonly type: string;
  readonly value: string;
}

/** Takes apart what Node makes of a subjectAltName: `TYPE:value, TYPE:value`, a value with special characters as a JSON string. */
function alternativeNames(text: string): AlternativeName[] {
  const names: AlternativeName[] = [];
  const one = /([^:,]+):("(?:[^"\\]|\\.)*"|[^",][^,]*)(?:, |$)/gy;
  for (let match = one.exec(text); match !== null && match[0].length > 0; match = one.exec(text)) {
    const raw = match[2]!;
    const value = raw.startsWith('"') ? unquoted(raw) : raw;
    if (value !== undefined) names.push({ type: match[1]!, value });
  }
  return names;
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
