import { equalSipUris, normaliseEscapes, parseSipUri, type SipUri } from "../message/uri.js";

/**
 * May these credentials be used for this request (RFC 8760 §2.6 item 6, RFC 7616 §3.4.6)? The digest-uri must name what the
 * Request-URI names, or this server by another of its names. Real clients leave out the port or parameters, or write the
 * address that they send to where the Request-URI has the domain (sipp does).
 * @param isOwn does this host, with this port or none, name this server?
 */
export function digestUriFits(
  digestUri: string,
  requestUri: string,
  isOwn: (host: string, port: number | null) => boolean,
): boolean {
  if (digestUri === requestUri) return true;
  const request = parseSipUri(requestUri);
  const digest = parseSipUri(digestUri);
  if (request === undefined || digest === undefined) {
    // tel and other schemes: the RFCs give no looser equality
    return request === undefined && digestUri.toLowerCase() === requestUri.toLowerCase();
  }
  if (equalSipUris(request, digest)) return true;
  if (!sameUser(request, digest)) return false;
  return (request.host === digest.host && samePort(request, digest)) || isOwn(digest.host, digest.port);
}

function sameUser(a: SipUri, b: SipUri): boolean {
  if (a.user === null || b.user === null) return a.user === b.user;
  return normaliseEscapes(a.user) === normaliseEscapes(b.user);
}

/** An absent port and the default one lead to the same place, although §19.1.4 tells the URIs apart. */
function samePort(a: SipUri, b: SipUri): boolean {
  return a.port === b.port || a.port === null || b.port === null;
}
