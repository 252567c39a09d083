import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { Leg } from "../port/leg.js";

/**
 * The addresses of this machine, for a server that listens on every one of them: those that others can reach first, then
 * link-local and loopback ones. None when every leg is bound to an address of its own.
 */
export function ownHosts(
  legs: readonly Leg[],
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string[] {
  if (!legs.some(({ local }) => local.address === "0.0.0.0" || local.address === "::")) return [];
  const all = Object.values(interfaces).flatMap((one) => one ?? []);
  return all
    .map((info) => ({ address: info.address.toLowerCase(), rank: rankOf(info) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address);
}

function rankOf({ internal, address }: NetworkInterfaceInfo): number {
  if (internal) return 2;
  return /^(fe[89ab]|169\.254\.)/i.test(address) ? 1 : 0;
}
