import { z } from "zod";
import {
  parseNameServer,
  parseOrigin,
  parseRealm,
  parseServiceRoute,
  parseUserPart,
} from "./config-checks.js";
import { parseHttpUrl, parsePostgresUrl } from "./config-urls.js";
import {
  type HostPort,
  type ListenAddress,
  type Parsed,
  parseAddress,
  parseAor,
  parseDomain,
  parseListen,
  parseNetwork,
  parseSip,
  parseStore,
  type StoreLocation,
} from "./config-values.js";

/* What a single value of the configuration may be, by its kind. Those that parse give what the parser makes of the text. */

/** A text that a parser makes something of; what the parser has to say becomes the problem told. */
function parsedText<T>(parse: (text: string) => Parsed<T>) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text);
    if ("value" in parsed) return parsed.value;
    context.addIssue({ code: "custom", message: parsed.problem });
    return z.NEVER;
  });
}

/** A text that stays as it is written, when a parser has nothing against it. */
function checkedText(parse: (text: string) => Parsed<unknown>) {
  return z.string().check((context) => {
    const parsed = parse(context.value);
    if ("problem" in parsed)
      context.issues.push({ code: "custom", message: parsed.problem, input: context.value });
  });
}

export const listenUri = parsedText<ListenAddress>(parseListen);
export const storeUrl = parsedText<StoreLocation>(parseStore);
export const hostPort = parsedText<HostPort>((text) => parseAddress(text));
export const network = checkedText(parseNetwork);
export const domain = parsedText<string>(parseDomain);
export const domainPattern = checkedText((text) => parseDomain(text.replace(/^\*\./, "")));
export const sipUri = parsedText<string>(parseSip);
export const addressOfRecord = parsedText<string>(parseAor);
export const httpUrl = checkedText(parseHttpUrl);
export const postgresUrl = checkedText(parsePostgresUrl);
export const origin = parsedText<string>(parseOrigin);
export const realm = checkedText(parseRealm).max(255);
export const nameServer = checkedText(parseNameServer);
export const route = checkedText(parseServiceRoute).max(2048);
export const userPart = checkedText(parseUserPart).max(255);
export const path = z.string().min(1);
export const seconds = (least: number, most = 4_294_967_295) => z.int().min(least).max(most);
export const count = (least: number, most: number) => z.int().min(least).max(most);
