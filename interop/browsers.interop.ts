import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium, servePages } from "./support/browser.js";
import { selfSigned } from "./support/certificates.js";
import { describeWith } from "./support/peers.js";
import { freePort } from "./support/ports.js";
import { rollcall, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";
import { contactsOverHttp } from "./support/views.js";
import { addressLines, udpWire, type Wire } from "./support/wire.js";

/** What the pages offer to tests; see `pages/phone.js`. */
interface PagePhone {
  readonly story: readonly string[];
  readonly messages: readonly string[];
  readonly isRegistered: boolean;
  start(options: PhoneOptions): void;
  refresh(): void;
  unregister(): void;
  cut(): void;
  call(uri: string): void;
  hangUp(): void;
  packetsReceived(): Promise<number>;
}

interface PhoneOptions {
  readonly server: string;
  readonly uri: string;
  readonly instance: string;
  readonly expires: number;
  readonly password?: string;
}

declare const phone: PagePhone;

type Library = "jssip" | "sipjs";
type Transport = "ws" | "wss";

/** Chromium starts slowly on a busy machine. */
const PATIENCE_MS = 20_000;
/** C3: how soon a binding goes with its connection. */
const GONE_MS = 1_000;

/** A tab with one phone in it. */
class Tab {
  readonly options: PhoneOptions;
  readonly #page: Page;

  private constructor(page: Page, options: PhoneOptions) {
    this.#page = page;
    this.options = options;
  }

  static async open(url: string, library: Library, options: PhoneOptions): Promise<Tab> {
    const tab = new Tab(await browser.newPage(), options);
    await tab.#page.goto(`${url}/${library}.html`);
    return tab;
  }

  /** Loads the page anew: a new phone with the old identity. */
  async reload(): Promise<void> {
    await this.#page.reload();
  }

  /** Lets the phone register; nobody knows yet whether it may. */
  async begin(): Promise<void> {
    await this.#page.waitForFunction(() => typeof phone.start === "function");
    await this.#page.evaluate((options) => phone.start(options), this.options);
  }

  async start(): Promise<void> {
    await this.begin();
    await this.happened("registered");
  }

  async do(what: "refresh" | "unregister" | "cut" | "hangUp"): Promise<void> {
    await this.#page.evaluate((name) => phone[name](), what);
  }

  async call(uri: string): Promise<void> {
    await this.#page.evaluate((to) => phone.call(to), uri);
  }

  story(): Promise<readonly string[]> {
    return this.#page.evaluate(() => phone.story);
  }

  packetsReceived(): Promise<number> {
    return this.#page.evaluate(() => phone.packetsReceived());
  }

  isRegistered(): Promise<boolean> {
    return this.#page.evaluate(() => phone.isRegistered);
  }

  /** Waits until something has happened, this often. */
  async happened(what: string, times = 1): Promise<void> {
    await until(
      async () => (await this.story()).filter((each) => each === what).length >= times,
      PATIENCE_MS,
    ).catch(async (error: unknown) => {
      throw new Error(`${what} did not happen: ${(await this.story()).join(", ")}`, { cause: error });
    });
  }

  async got(text: string): Promise<boolean> {
    return this.#page.evaluate((body) => phone.messages.includes(body), text);
  }

  async close(): Promise<void> {
    await this.#page.close();
  }
}

let browser: Browser;
let pages: string;

async function start(port: { readonly ws: number; readonly wss: number }, data?: string) {
  const { cert, key } = selfSigned();
  return serve({
    ...(data === undefined ? {} : { data }),
    args: [
      ...["--listen", "udp:127.0.0.1:0", "--listen", `ws:127.0.0.1:${port.ws}`],
      ...["--listen", `wss:127.0.0.1:${port.wss}`, "--tls-cert", cert, "--tls-key", key],
      ...["--domain", "example.com", "--admin", "127.0.0.1:0"],
    ],
  });
}

const urlOf = (server: ServerUnderTest, transport: Transport): string =>
  `${transport}://127.0.0.1:${server.ports[transport]}`;

/** A MESSAGE from a phone on UDP to an address-of-record. @returns the status it was answered with */
async function message(caller: Wire, aor: string, text: string): Promise<number> {
  const lines = [...addressLines("MESSAGE", "sip:udp@example.com", aor), "Content-Type: text/plain"];
  return (await caller.request(`MESSAGE ${aor}`, lines, text)).status;
}

describeWith("WebSocket phones in Chromium (RFC 7118)", ["chromium", "openssl"], () => {
  let server: ServerUnderTest;
  let caller: Wire;
  beforeAll(async () => {
    [server, browser, pages] = await Promise.all([start({ ws: 0, wss: 0 }), launchChromium(), servePages()]);
    caller = await udpWire(server.ports.udp!);
  });
  afterAll(async () => {
    await browser.close();
    expect(await server.stop()).toBe(0);
  });

  const PHONES: readonly (readonly [Library, Transport])[] = [
    ["jssip", "ws"],
    ["jssip", "wss"],
    ["sipjs", "ws"],
    ["sipjs", "wss"],
  ];

  test.each(PHONES)(
    "%s over %s: registers, is reached, refreshes and unregisters",
    async (library, transport) => {
      const aor = `sip:${library}-${transport}@example.com`;
      const instance = randomUUID();
      const tab = await Tab.open(pages, library, {
        server: urlOf(server, transport),
        uri: aor,
        instance,
        expires: 600,
      });
      await tab.start();
      const [first, ...others] = await contactsOverHttp(server, aor);
      expect(others).toEqual([]);
      expect(first).toMatchObject({ instance: `<urn:uuid:${instance}>`, regId: 1, path: [] });
      expect(first!.uri).toMatch(/\.invalid[;:]/);
      expect(first!.received).toMatch(new RegExp(`^${transport}:127\\.0\\.0\\.1:\\d+$`));

      expect(await message(caller, aor, "first")).toBe(200);
      expect(await tab.got("first")).toBe(true);
      const ping = await caller.request(
        `OPTIONS ${aor}`,
        addressLines("OPTIONS", "sip:udp@example.com", aor),
      );
      expect(ping.status).toBe(200);

      await tab.do("refresh");
      await until(async () => (await contactsOverHttp(server, aor))[0]!.cseq > first!.cseq, PATIENCE_MS);
      expect(await contactsOverHttp(server, aor)).toMatchObject([{ uri: first!.uri, callId: first!.callId }]);

      await tab.do("unregister");
      await tab.happened("unregistered");
      expect(await contactsOverHttp(server, aor)).toEqual([]);
      await tab.close();
    },
  );

  test.each(PHONES)(
    "%s over %s: is reached again after its connection broke, and after its page was loaded anew",
    async (library, transport) => {
      const aor = `sip:${library}-${transport}-again@example.com`;
      const instance = randomUUID();
      const tab = await Tab.open(pages, library, {
        server: urlOf(server, transport),
        uri: aor,
        instance,
        expires: 600,
      });
      await tab.start();
      const [before] = await contactsOverHttp(server, aor);
      await tab.do("cut");
      const [again] = await until(async () => {
        const contacts = await contactsOverHttp(server, aor);
        return contacts[0] !== undefined && contacts[0].received !== before!.received && contacts;
      }, PATIENCE_MS);
      expect(again).toMatchObject({ instance: `<urn:uuid:${instance}>`, regId: 1 });
      await until(() => tab.isRegistered(), PATIENCE_MS);
      expect(await message(caller, aor, "second connection")).toBe(200);
      expect(await tab.got("second connection")).toBe(true);

      await tab.reload();
      await tab.start();
      // the phone of before the reload had another contact, and leaves no ghost (RFC 5626 §6, A11)
      const contacts = await contactsOverHttp(server, aor);
      expect(contacts).toMatchObject([{ instance: `<urn:uuid:${instance}>` }]);
      expect(await message(caller, aor, "new page")).toBe(200);
      expect(await tab.got("new page")).toBe(true);

      await tab.close();
      await until(async () => (await contactsOverHttp(server, aor)).length === 0, GONE_MS);
      expect(await message(caller, aor, "nobody")).toBe(480);
    },
  );

  test("both register with a password where SHA-256 is offered first, by MD5 (B1)", async () => {
    const config = join(temporaryFolder(), "rollcall.yaml");
    writeFileSync(
      config,
      "listen: [ws:127.0.0.1:0]\nadmin: 127.0.0.1:0\ndomains: [example.com]\nopen: false\n" +
        "auth: { algorithms: [sha-256, md5] }\n",
    );
    const closed = await serve({ args: ["--config", config] });
    const logIn = async (library: Library) => {
      const args = ["user", "add", `${library}@example.com`, "--password-stdin", "--data", closed.data];
      expect(await rollcall(args, "wonderland")).toMatchObject({ status: 0 });
      const options = {
        server: urlOf(closed, "ws"),
        uri: `sip:${library}@example.com`,
        instance: randomUUID(),
        expires: 600,
      };
      const stranger = await Tab.open(pages, library, { ...options, password: "looking-glass" });
      await stranger.begin();
      await stranger.happened("registrationFailed");
      await stranger.close();
      expect(await contactsOverHttp(closed, options.uri)).toEqual([]);
      const owner = await Tab.open(pages, library, { ...options, password: "wonderland" });
      await owner.start();
      expect(await contactsOverHttp(closed, options.uri)).toHaveLength(1);
      await owner.close();
    };
    await Promise.all([logIn("jssip"), logIn("sipjs")]);
    expect(await closed.stop()).toBe(0);
  });

  test("JsSIP calls JsSIP: the proxy carries the call over both connections, and sound flows", async () => {
    const open = (user: string) =>
      Tab.open(pages, "jssip", {
        server: urlOf(server, "ws"),
        uri: `sip:${user}@example.com`,
        instance: randomUUID(),
        expires: 600,
      });
    const [alice, bob] = await Promise.all([open("alice"), open("bob")]);
    await Promise.all([alice.start(), bob.start()]);
    await alice.call("sip:bob@example.com");
    await Promise.all([alice.happened("confirmed"), bob.happened("confirmed")]);
    for (const tab of [alice, bob]) await until(async () => (await tab.packetsReceived()) > 20, PATIENCE_MS);
    await bob.do("hangUp");
    await Promise.all([alice.happened("ended"), bob.happened("ended")]);
    expect(await alice.story()).toEqual(["connected", "registered", "confirmed", "ended"]);
    await Promise.all([alice.close(), bob.close()]);
  });

  test("both libraries come back after the server was killed, and are reached over their new connections", async () => {
    const data = join(temporaryFolder(), "data");
    const ports = { ws: await freePort(), wss: await freePort() };
    const first = await start(ports, data);
    const tabs = await Promise.all(
      PHONES.map(async ([library, transport]) => {
        const options = {
          server: urlOf(first, transport),
          uri: `sip:${library}-${transport}@example.com`,
          instance: randomUUID(),
          expires: 600,
        };
        const tab = await Tab.open(pages, library, options);
        await tab.start();
        return tab;
      }),
    );
    await first.stop("SIGKILL");
    await Promise.all(tabs.map((tab) => tab.happened("disconnected")));
    const second = await start(ports, data);
    const phoneBook = await udpWire(second.ports.udp!);
    for (const tab of tabs) {
      const { uri, instance } = tab.options;
      await until(() => tab.isRegistered(), PATIENCE_MS);
      expect(await contactsOverHttp(second, uri)).toMatchObject([{ instance: `<urn:uuid:${instance}>` }]);
      expect(await message(phoneBook, uri, "after")).toBe(200);
      expect(await tab.got("after")).toBe(true);
    }
    await Promise.all(tabs.map((tab) => tab.close()));
    expect(await second.stop()).toBe(0);
  });
});
