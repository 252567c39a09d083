/** JSON schemas of what goes in and out: they check requests, write answers, and make up `/openapi.json`. */

const nullable = (schema: { readonly type: string; readonly description?: string }) => ({
  ...schema,
  type: [schema.type, "null"],
});

export const errorSchema = {
  type: "object",
  required: ["error"],
  properties: { error: { type: "string", description: "What is wrong, in one line" } },
} as const;

const contactSchema = {
  type: "object",
  required: "uri expires q callId cseq userAgent received path instance regId registeredAt updatedAt".split(
    " ",
  ),
  properties: {
    uri: { type: "string", description: "Contact URI as the phone wrote it" },
    expires: { type: "integer", description: "Whole seconds left" },
    q: { type: "number", description: "Preference, 0 to 1" },
    callId: { type: "string" },
    cseq: { type: "integer" },
    userAgent: nullable({ type: "string" }),
    received: { type: "string", description: "Where the REGISTER came from: udp:198.51.100.4:61002" },
    path: { type: "array", items: { type: "string" }, description: "Path vector, RFC 3327" },
    instance: nullable({ type: "string", description: "+sip.instance, RFC 5626" }),
    regId: nullable({ type: "integer", description: "reg-id, RFC 5626" }),
    registeredAt: { type: "string", format: "date-time" },
    updatedAt: { type: "string", format: "date-time" },
  },
};

export const aorSchema = {
  type: "object",
  required: ["aor", "contacts"],
  properties: {
    aor: { type: "string", description: "Address-of-record: sip:alice@example.com" },
    contacts: { type: "array", items: contactSchema },
  },
};

export const aorPageSchema = {
  type: "object",
  required: ["items", "next"],
  properties: {
    items: { type: "array", items: aorSchema },
    next: nullable({ type: "string", description: "Pass as cursor to go on; null at the end" }),
  },
};

export const explanationSchema = {
  type: "object",
  required: ["aor", "reachable", "summary", "contacts"],
  properties: {
    aor: { type: "string" },
    reachable: { type: "string", enum: ["yes", "maybe", "no"] },
    summary: { type: "string" },
    contacts: {
      type: "array",
      items: {
        type: "object",
        required: ["uri", "reachable", "facts"],
        properties: {
          uri: { type: "string" },
          reachable: { type: "string", enum: ["yes", "maybe", "no"] },
          facts: { type: "array", items: { type: "string" } },
        },
      },
    },
  },
};

export const userSchema = {
  type: "object",
  required: ["aor", "user", "realm"],
  properties: { aor: { type: "string" }, user: { type: "string" }, realm: { type: "string" } },
};

export const userPageSchema = {
  type: "object",
  required: ["items", "next"],
  properties: { items: { type: "array", items: userSchema }, next: nullable({ type: "string" }) },
};

export const aorParam = {
  type: "object",
  required: ["aor"],
  properties: {
    aor: { type: "string", maxLength: 512, description: "alice@example.com or sip:alice@example.com" },
  },
} as const;

export const overviewSchema = {
  type: "object",
  required: ["version", "ready", "aors", "bindings"],
  properties: {
    version: { type: "string" },
    ready: { type: "boolean" },
    problem: nullable({ type: "string", description: "Why it is not ready" }),
    aors: { type: "integer", description: "Addresses-of-record with bindings" },
    bindings: { type: "integer" },
  },
};
