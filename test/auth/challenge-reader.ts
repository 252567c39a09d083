/** Parameters of a digest challenge as a client reads them: names in lower case, quotes undone. */
export function parseChallenge(value: string): Readonly<Record<string, string>> {
  if (!value.startsWith("Digest ")) throw new Error(`no digest challenge: ${value}`);
  const params: Record<string, string> = {};
  for (const [, name, quoted, token] of value.slice(7).matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))/g))
    params[name!.toLowerCase()] = quoted ?? token!;
  return params;
}
