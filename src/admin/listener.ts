import type { AddressInfo } from "node:net";
import type { Log } from "../port/log.js";
import type { AdminConfig } from "../server/config.js";
import { type HostPort, showAddress } from "../server/config-values.js";
import { adminAccess } from "./access.js";
import { adminApp } from "./app.js";
import type { AdminBackend } from "./backend.js";

/** The admin interface while it listens. */
export interface AdminListener {
  /** `127.0.0.1:8060`, with the port that was bound. */
  readonly address: string;
  /** Takes over who may log in and under which names, from the next request on. */
  setAccess(config: AdminConfig): void;
  /** Ends event streams, closes every connection and the listener. */
  close(): Promise<void>;
}

/** Starts the admin interface; rejects with the system's error when the address cannot be bound. */
export async function startAdmin(
  config: AdminConfig,
  backend: AdminBackend,
  log: Log,
): Promise<AdminListener> {
  const access = adminAccess(config);
  const app = await adminApp({ backend, access, log });
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    throw error;
  }
  return {
    address: showAddress(boundTo(app.server.address() as AddressInfo)),
    setAccess: (fresh) => access.setPolicy(fresh),
    close: () => app.close(),
  };
}

function boundTo({ address, port }: AddressInfo): HostPort {
  return { host: address, port };
}
