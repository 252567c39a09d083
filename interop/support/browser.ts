import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, normalize, sep } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { atEnd } from "./endings.js";
import { findProgram } from "./peers.js";

const require = createRequire(import.meta.url);
const PAGES = join(import.meta.dirname, "..", "pages");
/** SIP.js ships as ES modules that name each other by file: served as they are. */
const SIP_JS = dirname(require.resolve("sip.js"));
/** JsSIP ships as CommonJS modules: served as one script. */
const JSSIP = require.resolve("jssip");

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

/** Debian's Chromium without a window, that takes any certificate, and a tone for a microphone. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram("chromium")!,
    args: [
      "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking",
      "--disable-component-update --disable-sync --ignore-certificate-errors",
      "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream --allow-loopback-in-peer-connection",
    ].flatMap((line) => line.split(" ")),
  });
}

/** Serves `interop/pages` and the two libraries on a port of 127.0.0.1 until the end of the test file. @returns its URL */
export async function servePages(): Promise<string> {
  const jssip = commonJsBundle(JSSIP, "JsSIP");
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").replace(/\?.*/, "");
    const body = path === "/jssip.js" ? jssip : readPage(path);
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function readPage(path: string): Buffer | undefined {
  const [root, inside] = path.startsWith("/sip.js/")
    ? [SIP_JS, path.slice("/sip.js/".length)]
    : [PAGES, path];
  const file = normalize(join(root, inside));
  if (!file.startsWith(root + sep) || statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    return undefined;
  return readFileSync(file);
}

/** Modules that differ in a browser, as their package says. */
const IN_BROWSERS: Readonly<Record<string, string>> = { debug: "debug/src/browser.js" };

/** One script of a CommonJS module and all it requires, which leaves its exports in a global variable. */
function commonJsBundle(entry: string, global: string): string {
  const numbers = new Map<string, number>();
  const modules: string[] = [];
  const add = (file: string): number => {
    const known = numbers.get(file);
    if (known !== undefined) return known;
    const number = modules.push("") - 1;
    numbers.set(file, number);
    const source = readFileSync(file, "utf8");
    // a package's folder ends in a slash, so that no built-in module of Node is meant
    const { resolve } = createRequire(file);
    const names = new Set([...source.matchAll(/\brequire\(["']([^"']+)["']\)/g)].map(([, name]) => name!));
    const found = [...names].map((name) => {
      const wanted = IN_BROWSERS[name] ?? name;
      return [name, add(resolve(/^[a-z-]+$/.test(wanted) ? `${wanted}/` : wanted))] as const;
    });
    const body = file.endsWith(".json") ? `module.exports = ${source};` : source;
    modules[number] =
      `[function (require, module, exports) {${body}\n}, ${JSON.stringify(Object.fromEntries(found))}]`;
    return number;
  };
  add(entry);
  return `var ${global} = (() => {
    const modules = [${modules.join(",\n")}];
    const loaded = [];
    const load = (number) => {
      if (loaded[number] !== undefined) return loaded[number].exports;
      const [body, names] = modules[number];
      const module = (loaded[number] = { exports: {} });
      body((name) => load(names[name]), module, module.exports);
      return module.exports;
    };
    return load(0);
  })();`;
}
