import type { CredentialSource, DigestAlgorithm, Ha1Answer } from "../auth/source.js";

export interface HttpAccountsOptions {
  /** `http:` or `https:` URL that is asked with POST; with `user:password@` by Basic authentication (RFC 7617). */
  readonly url: string;
  /** Header fields to send along, such as Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one question may take, in milliseconds; 2,000 when not given. */
  readonly timeoutMs?: number;
}

/** An answer is one HA1 in a little JSON. */
const MOST_OCTETS = 4096;

const DIGITS: Readonly<Record<DigestAlgorithm, number>> = { MD5: 32, "SHA-256": 64, "SHA-512-256": 64 };

/**
 * Accounts that an HTTP service knows. It is asked with `POST` and `{"user", "realm", "algorithm"}`, and answers 200 with
 * `{"ha1": "…"}` in hexadecimal, `{"ha1": null}` for a user without a hash of this algorithm, or 404 for one that it does not know; anything else rejects. No redirect is followed: the
 * question names a user. Ask it through `accountCache`.
 * @throws TypeError when the URL is none, URIError when an escape in its user or password is broken
 */
export function httpAccounts(options: HttpAccountsOptions): CredentialSource {
  const { timeoutMs = 2000 } = options;
  if (!URL.canParse(options.url)) throw new TypeError("accounts over HTTP: the URL is none");
  const url = new URL(options.url);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new TypeError("accounts over HTTP need an http: or https: URL");
  const headers = {
    ...basicOf(url),
    ...options.headers,
    "content-type": "application/json",
    accept: "application/json",
  };
  return {
    async ha1(user, realm, algorithm) {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body: JSON.stringify({ user: textOf(user), realm: textOf(realm), algorithm }),
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.status === 404) {
        await response.body?.cancel();
        return null;
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`accounts over HTTP: the service answered ${response.status}`);
      }
      return ha1In(await textUpTo(response, MOST_OCTETS), algorithm);
    },
  };
}

/** Takes the credentials out of a URL: nobody asks with them in it, and no error shall show them. */
function basicOf(url: URL): Readonly<Record<string, string>> {
  if (url.username === "" && url.password === "") return {};
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  return { authorization: `Basic ${Buffer.from(credentials, "utf8").toString("base64")}` };
}

/** @throws Error when it is not what it should be; it says nothing of what it holds */
function ha1In(text: string, algorithm: DigestAlgorithm): Ha1Answer {
  let ha1: unknown;
  try {
    ha1 = (JSON.parse(text) as { ha1?: unknown } | null)?.ha1;
  } catch {
    ha1 = undefined;
  }
  if (ha1 === null) return false;
  if (typeof ha1 !== "string" || ha1.length !== DIGITS[algorithm] || !/^[0-9a-f]+$/i.test(ha1))
    throw new Error(`accounts over HTTP: the answer holds no HA1 of ${algorithm}`);
  return ha1.toLowerCase();
}

async function textUpTo(response: Response, most: number): Promise<string> {
  let text = "";
  if (response.body === null) return text;
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > most) throw new Error("accounts over HTTP: the answer is too long");
  }
  return text;
}

/** Octets as the text that they are in UTF-8. */
function textOf(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8");
}
