import { crc32 } from "node:zlib";
import type { Endpoint } from "../port/leg.js";
import { addressOctets } from "./address.js";

/** STUN for keep-alives on the SIP port (RFC 5626 §8): Binding requests of RFC 5389 and 8489, nothing else. */

const HEADER_OCTETS = 20;
const MAGIC_COOKIE = 0x2112_a442;
const FINGERPRINT_XOR = 0x5354_554e;

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;

const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
const FINGERPRINT = 0x8028;

/**
 * Comprehension-required attributes of RFC 8489 §18.3 that a request may hold. Those of the authentication mechanisms change
 * nothing: this usage has none (RFC 5626 §8).
 */
const KNOWN_ATTRIBUTES: ReadonlySet<number> = new Set([
  0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0020,
]);

/** More unknown attributes than these are not listed in the answer, which so never outgrows its request by much. */
const MOST_UNKNOWN = 8;

interface Attributes {
  readonly unknown: readonly number[];
  readonly hasFingerprint: boolean;
}

/**
 * The answer to a STUN Binding request (RFC 8489 §6.3.1): its source address in XOR-MAPPED-ADDRESS, or 420 when it holds
 * attributes that it wants understood and that we do not. A request with FINGERPRINT gets one.
 * @param source where the request came from
 * @returns `undefined` for whatever is no sound Binding request (indications, responses, other methods, RFC 3489,
 * a wrong FINGERPRINT): that is met with silence (§6.3)
 */
export function stunResponse(message: Buffer, source: Endpoint): Buffer | undefined {
  if (!isBindingRequest(message)) return undefined;
  const attributes = readAttributes(message);
  if (attributes === undefined) return undefined;
  if (attributes.unknown.length > 0) return unknownAttributes(message, attributes);
  const address = addressOctets(source.address);
  if (address === undefined) return undefined;

  const response = respondTo(message, BINDING_SUCCESS, 8 + address.length, attributes.hasFingerprint);
  const value = writeAttributeHeader(response, HEADER_OCTETS, XOR_MAPPED_ADDRESS, 4 + address.length);
  response[value + 1] = address.length === 4 ? 0x01 : 0x02;
  response.writeUInt16BE(source.port ^ (MAGIC_COOKIE >>> 16), value + 2);
  // §14.2: the mask is the magic cookie and, for IPv6, the transaction id behind it, as they stand in the header
  for (let i = 0; i < address.length; i++) response[value + 4 + i] = address[i]! ^ message[4 + i]!;
  return sealed(response, attributes);
}

/** §6.3: type, magic cookie, and a length that is a multiple of 4 and fits the datagram. */
function isBindingRequest(message: Buffer): boolean {
  if (message.length < HEADER_OCTETS || message.readUInt16BE(0) !== BINDING_REQUEST) return false;
  const length = message.readUInt16BE(2);
  return (
    message.readUInt32BE(4) === MAGIC_COOKIE && length % 4 === 0 && HEADER_OCTETS + length === message.length
  );
}

/** @returns `undefined` when an attribute runs out of the message, or its FINGERPRINT is wrong or not the last (§14.7) */
function readAttributes(message: Buffer): Attributes | undefined {
  const unknown: number[] = [];
  let at = HEADER_OCTETS;
  while (at < message.length) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    const next = at + 4 + ((length + 3) & ~3);
    if (next > message.length) return undefined;
    if (type === FINGERPRINT) {
      const isRight =
        length === 4 && next === message.length && message.readUInt32BE(at + 4) === fingerprint(message, at);
      return isRight ? { unknown, hasFingerprint: true } : undefined;
    }
    const isRequired = type < 0x8000;
    if (isRequired && !KNOWN_ATTRIBUTES.has(type) && unknown.length < MOST_UNKNOWN) unknown.push(type);
    at = next;
  }
  return { unknown, hasFingerprint: false };
}

/** CRC-32 of the message up to the FINGERPRINT attribute, disguised (§14.7). */
function fingerprint(message: Buffer, end: number): number {
  return (crc32(message.subarray(0, end)) ^ FINGERPRINT_XOR) >>> 0;
}

/** 420 Unknown Attribute with the list of them (§6.3.1, §14.8, §14.13). */
function unknownAttributes(message: Buffer, attributes: Attributes): Buffer {
  const { unknown } = attributes;
  const reason = "Unknown Attribute";
  const errorOctets = 4 + reason.length;
  const errorEnd = HEADER_OCTETS + 4 + padded(errorOctets);
  const octets = 8 + padded(errorOctets) + padded(2 * unknown.length);
  const response = respondTo(message, BINDING_ERROR, octets, attributes.hasFingerprint);

  const error = writeAttributeHeader(response, HEADER_OCTETS, ERROR_CODE, errorOctets);
  response[error + 2] = 4;
  response[error + 3] = 20;
  response.write(reason, error + 4, "latin1");
  const list = writeAttributeHeader(response, errorEnd, UNKNOWN_ATTRIBUTES, 2 * unknown.length);
  unknown.forEach((type, i) => {
    response.writeUInt16BE(type, list + 2 * i);
  });
  return sealed(response, attributes);
}

/** A response with the header filled in (§5): the transaction of the request, and room for the attributes. */
function respondTo(message: Buffer, type: number, attributeOctets: number, hasFingerprint: boolean): Buffer {
  const length = attributeOctets + (hasFingerprint ? 8 : 0);
  const response = Buffer.alloc(HEADER_OCTETS + length);
  response.writeUInt16BE(type, 0);
  response.writeUInt16BE(length, 2);
  message.copy(response, 4, 4, HEADER_OCTETS);
  return response;
}

/** @returns where the value of the attribute goes */
function writeAttributeHeader(response: Buffer, at: number, type: number, octets: number): number {
  response.writeUInt16BE(type, at);
  response.writeUInt16BE(octets, at + 2);
  return at + 4;
}

function sealed(response: Buffer, { hasFingerprint }: Attributes): Buffer {
  if (!hasFingerprint) return response;
  const at = response.length - 8;
  const value = writeAttributeHeader(response, at, FINGERPRINT, 4);
  response.writeUInt32BE(fingerprint(response, at), value);
  return response;
}

function padded(octets: number): number {
  return (octets + 3) & ~3;
}
