/** The text without the larger one that it may be a slice of, which would live on in it. Latin1 only. */
export function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
