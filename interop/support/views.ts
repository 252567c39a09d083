import type { AorView, ContactView } from "../../src/admin/contact.js";
import { rollcall, type ServerUnderTest } from "./server.js";

/** Fetches one page of the admin interface as JSON; `null` when it answers 404. */
async function adminJson<T>(server: ServerUnderTest, path: string): Promise<T | null> {
  const response = await fetch(`http://127.0.0.1:${server.adminPort}${path}`);
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Contacts of an address-of-record by the admin interface; none when it is not registered. */
export async function contactsOverHttp(
  server: ServerUnderTest,
  aor: string,
): Promise<readonly ContactView[]> {
  const view = await adminJson<AorView>(server, `/api/v1/bindings/${encodeURIComponent(aor)}`);
  return view?.contacts ?? [];
}

/** Everything that is registered, by the admin interface. */
export async function allOverHttp(server: ServerUnderTest): Promise<AorView[]> {
  const views: AorView[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: AorView[]; next: string | null } | null = await adminJson(
      server,
      `/api/v1/bindings?limit=1000${from}`,
    );
    views.push(...(page?.items ?? []));
    cursor = page?.next ?? null;
  }
  return views;
}

/** Everything that is registered, by `rollcall dump --json`. */
export async function dumped(server: ServerUnderTest): Promise<AorView[]> {
  const { status, output } = await rollcall(["dump", "--json", "--data", server.data]);
  if (status !== 0) throw new Error(`rollcall dump ended with ${status}: ${output}`);
  return JSON.parse(output) as AorView[];
}

/** Contacts of an address-of-record by `rollcall show --json`; none when it says that there is none. */
export async function contactsShown(server: ServerUnderTest, aor: string): Promise<readonly ContactView[]> {
  const { status, output } = await rollcall(["show", aor, "--json", "--data", server.data]);
  if (status === 1) return [];
  if (status !== 0) throw new Error(`rollcall show ended with ${status}: ${output}`);
  return (JSON.parse(output) as AorView).contacts;
}

/** A gauge or counter of `/metrics` without labels. */
export async function metric(server: ServerUnderTest, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.adminPort}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(name.length + 1));
}
