import type { Binding, Bindings } from "../location/binding.js";
import type { Rejection } from "../message/result.js";
import type { BindHook } from "./decide.js";
import type { RegisterDraft } from "./draft.js";

/**
 * One RFC on top of RFC 3261 §10.3: an object with those of these hooks that it needs, given to the registrar in
 * `extensions`. Hooks are called in the order of that list; each is synchronous and throws only for its own bugs.
 *
 * The way of a REGISTER: domain, Require, address-of-record, Contacts, then each `examine`, intervals and sips rules, then
 * `bind` inside the store's update, then `contactParams` and `answer` for the 200. A rejection ends it anywhere.
 */
export interface RegistrarExtension {
  /** What it is called in messages: `"path"`, `"gruu"`. */
  readonly name: string;
  /** Option tag, lower case, that Require may name once this extension is there (§8.2.2.3); absent when it has none. */
  readonly optionTag?: string;
  /** Is the tag listed in Supported of answers? `true` unless given. */
  readonly announced?: boolean;
  /** Contact parameters, lower case, that only the registrar writes: what a phone says in them is not kept. */
  readonly ownParams?: readonly string[];
  /**
   * Looks at a REGISTER before the bindings are read: sets what the draft lets extensions set, or rejects.
   * Also called for a fetch and for `*`.
   */
  examine?(draft: RegisterDraft): Rejection | undefined;
  /** Adds to a binding what is kept with it (`extra`). Runs inside the store's update, perhaps more than once: pure. */
  readonly bind?: BindHook;
  /** Parameters to append to one Contact of the 200: `;name=value`, or `""`. */
  contactParams?(draft: RegisterDraft, binding: Binding): string;
  /** Header field lines of the 200, each with its CRLF, or `""`. */
  answer?(draft: RegisterDraft, bindings: Bindings): string;
}
