/** Source of randomness, handed in at the composition root and seeded in tests. */
export interface Entropy {
  /** A text of `octets` random octets in lower-case hexadecimal: tags, branches, tokens. */
  hex(octets: number): string;
  /** A number in [0, 1). */
  unit(): number;
}
