import { describe, expect, it } from "vitest";
import { stunResponse } from "../../src/transport/stun.js";

const TRANSACTION = "b7e7a701bc34d686fa87dfae";

/** A STUN message of its type, attributes in hexadecimal, and the transaction of RFC 5769. */
function stun(type: string, attributes = "", cookie = "2112a442"): Buffer {
  const length = (attributes.length / 2).toString(16).padStart(4, "0");
  return Buffer.from(type + length + cookie + TRANSACTION + attributes, "hex");
}

/** The sample request of RFC 5769 §2.1: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT. */
const SAMPLE_ATTRIBUTES =
  "802200105354554e207465737420636c69656e74" +
  "002400046e0001ff" +
  "80290008932ff9b151263b36" +
  "000600096576746a3a68367659202020" +
  "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2";
const SAMPLE = stun("0001", `${SAMPLE_ATTRIBUTES}80280004e57a3bcf`);

const V4 = { address: "192.0.2.1", port: 32_853 };
const V6 = { address: "2001:db8:1234:5678:11:2233:4455:6677", port: 32_853 };

describe("a Binding request", () => {
  it.each([
    // RFC 5769 §2.2 and §2.3 hold these values of XOR-MAPPED-ADDRESS
    ["over IPv4", V4, "002000080001a147e112a643"],
    ["over IPv6", V6, "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"],
    [
      "over IPv6 with a zone",
      { ...V6, address: `${V6.address}%eth0` },
      "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
    ],
  ])("%s is answered with its source, disguised (RFC 8489 §14.2)", (_name, source, attribute) => {
    expect(stunResponse(stun("0001"), source)?.toString("hex")).toBe(stun("0101", attribute).toString("hex"));
  });

  it("may hold credentials and hints, which change nothing (RFC 5626 §8)", () => {
    const attributes = "802200045350494b00060004616c6963";
    expect(stunResponse(stun("0001", attributes), V4)?.subarray(0, 2).toString("hex")).toBe("0101");
  });

  it("with attributes that it wants understood gets 420 with their list (RFC 8489 §6.3.1)", () => {
    const response = stunResponse(stun("0001", "0003000400000006" + "7f01000100000000"), V4);
    const error = `00090015${"00000414"}${Buffer.from("Unknown Attribute").toString("hex")}000000`;
    expect(response?.toString("hex")).toBe(stun("0111", `${error}000a000400037f01`).toString("hex"));
  });

  it("lists no more than eight of them", () => {
    const response = stunResponse(stun("0001", "7f010000".repeat(300)), V4);
    expect(response?.toString("hex").endsWith(`000a0010${"7f01".repeat(8)}`)).toBe(true);
  });
});

describe("FINGERPRINT (RFC 8489 §14.7)", () => {
  it("of the sample request of RFC 5769 §2.1 is right, and the answer has one", () => {
    const response = stunResponse(SAMPLE, V4)!;
    // PRIORITY is for ICE alone: here it is unknown
    expect(response.subarray(0, 2).toString("hex")).toBe("0111");
    expect(response.readUInt16BE(2)).toBe(response.length - 20);
    expect(response.subarray(-8, -4).toString("hex")).toBe("80280004");
  });

  it("of an answer covers everything before it", () => {
    const response = stunResponse(
      stun("0001", `80280004${fingerprint(Buffer.from(`000100082112a442${TRANSACTION}`, "hex"))}`),
      V4,
    )!;
    expect(response.subarray(20, -8).toString("hex")).toBe("002000080001a147e112a643");
    expect(response.subarray(-8).toString("hex")).toBe(`80280004${fingerprint(response.subarray(0, -8))}`);
  });

  it.each([
    ["a wrong one", `${SAMPLE_ATTRIBUTES}80280004e57a3bce`],
    ["one that is not the last", `80280004e57a3bcf${SAMPLE_ATTRIBUTES}`],
    ["a short one", "8028000200000000"],
  ])("%s: silence", (_name, attributes) => {
    expect(stunResponse(stun("0001", attributes), V4)).toBeUndefined();
  });
});

/** The value of FINGERPRINT, its CRC computed by the generator polynomial bit by bit. */
function fingerprint(message: Buffer): string {
  let crc = 0xffff_ffff;
  for (const octet of message) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0xedb8_8320);
  }
  return ((~crc ^ 0x5354_554e) >>> 0).toString(16).padStart(8, "0");
}

describe("silence meets (RFC 8489 §6.3)", () => {
  it.each([
    ["an indication", stun("0011")],
    ["a success response", stun("0101")],
    ["an error response", stun("0111")],
    ["another method", stun("0003")],
    ["RFC 3489, which has no magic cookie", stun("0001", "", "00000000")],
    ["a header cut short", stun("0001").subarray(0, 19)],
    [
      "a length that is too long",
      Buffer.concat([stun("0001").subarray(0, 2), Buffer.from("0004", "hex"), stun("0001").subarray(4)]),
    ],
    ["octets behind the message", Buffer.concat([stun("0001"), Buffer.alloc(4)])],
    ["a length that is no multiple of 4", stun("0001", "802200")],
    ["an attribute that runs out of the message", stun("0001", "8022000800000000")],
    ["zeros, as some phones send to keep a NAT open", Buffer.alloc(4)],
  ])("%s", (_name, octets) => {
    expect(stunResponse(octets, V4)).toBeUndefined();
  });

  it("a source that is no address", () => {
    expect(stunResponse(stun("0001"), { address: "example.com", port: 1 })).toBeUndefined();
  });
});
