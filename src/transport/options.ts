/** @throws TypeError that names the first option nobody here knows */
export function checkOptionNames(maker: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${maker}: unknown option ${name}`);
  }
}
