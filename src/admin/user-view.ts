import type { AccountName } from "../auth/source.js";
import { escapeUser } from "../location/aor.js";
import { shown } from "./text.js";

/** An account as it is shown: never with what its password hashes to. */
export interface UserView {
  /** `sip:alice@example.com`: the user in its realm, with escapes where it holds what no URI does. */
  readonly aor: string;
  readonly user: string;
  readonly realm: string;
}

/** How an account is shown. */
export function userView({ user, realm }: AccountName): UserView {
  return { aor: `sip:${shown(escapeUser(user))}@${shown(realm)}`, user: shown(user), realm: shown(realm) };
}
